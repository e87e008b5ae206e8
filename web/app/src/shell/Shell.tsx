/** The frame of all pages: navigation, state of the connection, palette, and keys. */
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useCaller } from "../caller";
import { asProblem } from "../api/problem";
import { useSession, setToken } from "../api/session";
import { JobPage } from "../jobs/JobPage";
import { JobsPage } from "../jobs/JobsPage";
import { QueuePage } from "../jobs/QueuePage";
import { type Route, useRoute } from "../lib/route";
import { useConnection, useLive } from "../live";
import { t } from "../text";
import { Button, Link, Loading, ProblemView } from "../ui/basics";
import { Icon, type IconName } from "../ui/Icon";
import { useKeys } from "./keys";
import { Help, Palette } from "./Palette";
import { SignIn } from "./SignIn";
import { Boundary } from "./Boundary";
import { useTheme } from "./theme";

// Loaded when they are needed: the first page stays small.
const RangesPage = lazy(async () => ({ default: (await import("../pages")).RangesPage }));
const RangePage = lazy(async () => ({ default: (await import("../pages")).RangePage }));
const NewRangePage = lazy(async () => ({ default: (await import("../pages")).NewRangePage }));
const CatalogPage = lazy(async () => ({ default: (await import("../pages")).CatalogPage }));
const RunPage = lazy(async () => ({ default: (await import("../pages")).RunPage }));
const PlatformsPage = lazy(async () => ({ default: (await import("../pages")).PlatformsPage }));
const SystemPage = lazy(async () => ({ default: (await import("../pages")).SystemPage }));

const PLACES: [string, string, IconName][] = [
  ["jobs", t.nav.jobs, "jobs"],
  ["queue", t.nav.queue, "queue"],
  ["run", t.nav.run, "run"],
  ["ranges", t.nav.ranges, "ranges"],
  ["platforms", t.nav.platforms, "platforms"],
  ["system", t.nav.system, "system"],
];

function page({ path: [place = "jobs", id, ...rest] }: Route): ReactNode {
  switch (place) {
    case "jobs":
      return id === undefined ? <JobsPage /> : <JobPage key={id} id={id} />;
    case "queue":
      return <QueuePage />;
    case "run":
      return id === undefined ? <CatalogPage /> : <RunPage key={[id, ...rest].join("/")} kind={id} name={rest.join("/")} />;
    case "ranges":
      return id === undefined ? <RangesPage /> : id === "new" ? <NewRangePage /> : <RangePage key={id} id={id} />;
    case "platforms":
      return <PlatformsPage />;
    case "system":
      return <SystemPage />;
    default:
      return <p className="empty">{t.unknownPage}</p>;
  }
}

export function Shell() {
  const route = useRoute();
  const caller = useCaller();
  const session = useSession();
  const [open, setOpen] = useState<"palette" | "help" | null>(null);
  useKeys({ palette: () => setOpen("palette"), help: () => setOpen("help") });
  useLive(caller.data !== undefined && !session.isRejected);
  const place = route.path[0] ?? "jobs";
  // each page begins at its top.
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [route.path.join("/")]);

  const needsToken = session.isRejected || (caller.error !== null && asProblem(caller.error).status === 401);
  if (needsToken) return <SignIn wasRejected={session.hasToken} />;
  return (
    <div className="shell">
      <a className="skip" href="#content" onClick={(event) => (event.preventDefault(), document.getElementById("content")?.focus())}>
        {t.skip}
      </a>
      <nav className="nav" aria-label={t.nav.label}>
        <Link to={["jobs"]} className="brand">
          <img src="./app/icon.svg" alt="" width={22} height={22} />
          <span>Rangehand</span>
        </Link>
        <ul>
          {PLACES.map(([id, label, icon]) => (
            <li key={id}>
              <a href={`#/${id}`} aria-current={place === id ? "page" : undefined}>
                <Icon name={icon} />
                <span>{label}</span>
              </a>
            </li>
          ))}
        </ul>
        <div className="nav-foot">
          <button type="button" className="palette-button" onClick={() => setOpen("palette")}>
            <Icon name="search" />
            <span>{t.palette.open}</span>
            <kbd>Ctrl K</kbd>
          </button>
          <Connection />
          <CallerLine />
        </div>
      </nav>
      <main id="content" tabIndex={-1}>
        <Boundary key={route.path.join("/")}>
          <Suspense fallback={<Loading />}>
            {caller.error !== null ? <ProblemView error={caller.error} /> : caller.data === undefined ? <Loading /> : page(route)}
          </Suspense>
        </Boundary>
      </main>
      {open === "palette" && <Palette onClose={() => setOpen(null)} />}
      {open === "help" && <Help onClose={() => setOpen(null)} />}
    </div>
  );
}

function Connection() {
  const connection = useConnection();
  return (
    <p className={`connection connection-${connection}`} role="status">
      <span className="lamp" aria-hidden="true" />
      <span>{t.connection[connection]}</span>
    </p>
  );
}

function CallerLine() {
  const { data } = useCaller();
  const { hasToken } = useSession();
  const [theme, changeTheme] = useTheme();
  return (
    <div className="caller">
      {data !== undefined && (
        <span className="caller-name" title={t.role(data.role)}>
          {data.name ?? t.anonymous} <em>{data.role}</em>
        </span>
      )}
      <Button kind="ghost" icon="sun" title={t.theme(theme)} onClick={changeTheme} />
      {hasToken && <Button kind="ghost" icon="cross" title={t.signIn.out} onClick={() => (setToken(null), location.reload())} />}
    </div>
  );
}
