import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./styles/savings.css";
import { queries } from "./api/queries.ts";
import { App, askAhead } from "./app.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
const drawn = askAhead(location.pathname);
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App onDrawn={drawn} />
    </QueryClientProvider>
  </StrictMode>,
);
