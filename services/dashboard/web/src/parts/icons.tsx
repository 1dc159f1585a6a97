import type { ReactNode } from "react";

const PATHS: Record<string, ReactNode> = {
  now: <path d="M13 2 5 14h6l-1 8 9-13h-6z" />,
  plan: <path d="M3 20h18M4 15l5-6 4 4 7-8" />,
  proof: <path d="M4 12.5 9 17 20 6M4 6h8M14 18h6" />,
  savings: <path d="M12 3v18M16.5 7.5C15.5 6 14 5.5 12 5.5c-2.500 0-4.500 1.200-4.500 3.200 0 4.600 9 2 9 6.600 0 2-2 3.200-4.500 3.200-2 0-3.500-.5-4.500-2" />,
  devices: <path d="M6 3h12v18H6zM9.500 7h5M12 17h.01" />,
  forecasts: <path d="M3 17c4 0 5-9 9-9s5 5 9 5M12 8c3-4 6-4 9-4M12 8c3 6 6 11 9 11" />,
  carbon: <path d="M5 19c0-9 6-14 15-14 0 9-5 14-13 14M5 21c1-6 4-9 9-11" />,
  comfort: <path d="M9 14V5a2.500 2.500 0 0 1 5 0v9a4.500 4.500 0 1 1-5 0zM17 6h3M17 10h3" />,
  alerts: <path d="M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4" />,
  settings: (
    <path d="M4 7h10M18 7h2M4 17h2M10 17h10M14 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M6 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0" />
  ),
  more: <path d="M5 12h.01M12 12h.01M19 12h.01" />,
  sun: (
    <path d="M12 8a4 4 0 1 0 0 8 4 4 0 1 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500 19 19M19 5l-1.500 1.500M6.500 17.500 5 19" />
  ),
  moon: <path d="M20 14.500A8 8 0 0 1 9.500 4a8 8 0 1 0 10.500 10.500z" />,
  auto: <path d="M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18" />,
};

/** A picture beside words: it is never read aloud. */
export function Icon({ name }: { name: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 3 : 1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {PATHS[name]}
    </svg>
  );
}
