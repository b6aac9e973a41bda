import { effect } from "@preact/signals";
import { render } from "preact";
import { run } from "./page";
import { language, t } from "./station";
import { Page } from "./view/page";

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  document.title = `hazmon · ${t("page.title")}`;
});

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
render(<Page />, root);
run();
