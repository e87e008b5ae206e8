/** Everything that can be run. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { CatalogEntry } from "../api/types";
import { href, useParam } from "../lib/route";
import { t } from "../text";
import { Empty, Header, Loading, ProblemView, Search } from "../ui/basics";

export default function CatalogPage() {
  const [text, setText] = useParam("q");
  const lists = [
    useQuery({ queryKey: ["catalog", "scenarios"], queryFn: () => body(api.GET("/v1/catalog/scenarios")) }),
    useQuery({ queryKey: ["catalog", "bundles"], queryFn: () => body(api.GET("/v1/catalog/bundles")) }),
    useQuery({ queryKey: ["catalog", "playbooks"], queryFn: () => body(api.GET("/v1/catalog/playbooks")) }),
  ];
  const error = lists.find((list) => list.error !== null)?.error;
  if (error) return <ProblemView error={error} />;
  if (lists.some((list) => list.data === undefined)) return <Loading />;
  const words = text.toLowerCase().split(/\s+/);
  return (
    <>
      <Header title={t.nav.run} />
      <div className="filters">
        <Search value={text} onChange={setText} label={t.run.search} />
      </div>
      {lists.map((list, index) => {
        const kind = (["scenario", "bundle", "playbook"] as const)[index] as "scenario" | "bundle" | "playbook";
        const found = (list.data?.items ?? []).filter((entry) => words.every((word) => entry.name.toLowerCase().includes(word)));
        return (
          <section key={kind} aria-labelledby={`catalog-${kind}`}>
            <h2 id={`catalog-${kind}`}>{t.run.kinds[kind]} <span className="count">{found.length}</span></h2>
            <p className="dim">{t.run.about[kind]}</p>
            {found.length === 0 ? <Empty title={t.run.none} /> : <Entries entries={found} />}
          </section>
        );
      })}
    </>
  );
}

function Entries({ entries }: { entries: CatalogEntry[] }) {
  // The inventory that the form begins with.
  const [inventory] = useParam("inventory");
  return (
    <ul className="catalog">
      {entries.map((entry) => (
        <li key={entry.path}>
          <a href={href(["run", entry.kind, ...entry.name.split("/")], { inventory })}>
            <strong>{entry.name}</strong>
            <code className="dim">{entry.path}</code>
          </a>
        </li>
      ))}
    </ul>
  );
}
