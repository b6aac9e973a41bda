import { AcknowledgeDialog } from "./acknowledge-dialog";
import { ActionDialog } from "./action-dialog";
import { AlarmList } from "./alarm-list";
import { Announcer } from "./announcer";
import { Header } from "./header";
import { IconPatterns } from "./icon";
import { SuppressedDialog } from "./suppressed-dialog";
import { Tiles } from "./tiles";

export function Page() {
  return (
    <>
      <IconPatterns />
      <Header />
      <main>
        <AlarmList />
        <Tiles />
      </main>
      <AcknowledgeDialog />
      <SuppressedDialog />
      <ActionDialog />
      <Announcer />
    </>
  );
}
