// The dashboard: a page of the config server that draws what its proxies push.

import "uplot/dist/uPlot.min.css";
import "./style/font.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/parts.css";
import "./style/traffic.css";
import "./style/graph.css";
import "./style/decisions.css";
import "./style/views.css";
import "./style/motion.css";
import { render } from "preact";
import { App } from "./app.tsx";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
