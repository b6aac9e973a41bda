import { AcknowledgeDialog } from "./acknowledge-dialog";
import { AlarmList } from "./alarm-list";
import { Announcer } from "./announcer";
import { Header } from "./header";
import { IconPatterns } from "./icon";
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
      <Announcer />
    </>
  );
}
