/** The palette: everything that has an address, by its name. And the list of keys. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, body } from "../api/client";
import { titleOf } from "../jobs/title";
import { href, navigate } from "../lib/route";
import { t } from "../text";
import { Dialog } from "../ui/Dialog";
import { Icon, type IconName } from "../ui/Icon";

interface Entry {
  icon: IconName;
  label: string;
  detail: string;
  to: string;
}

/** Entries that are shown at once. */
const SHOWN = 12;

function useEntries(): Entry[] {
  const jobs = useQuery({ queryKey: ["jobs", "palette"], queryFn: () => body(api.GET("/v1/jobs", { params: { query: { limit: 100 } } })) });
  const ranges = useQuery({ queryKey: ["ranges", "palette"], queryFn: () => body(api.GET("/v1/ranges")) });
  const playbooks = useQuery({ queryKey: ["catalog", "playbooks"], queryFn: () => body(api.GET("/v1/catalog/playbooks")) });
  const bundles = useQuery({ queryKey: ["catalog", "bundles"], queryFn: () => body(api.GET("/v1/catalog/bundles")) });
  const scenarios = useQuery({ queryKey: ["catalog", "scenarios"], queryFn: () => body(api.GET("/v1/catalog/scenarios")) });
  return useMemo(() => {
    const pages = (["jobs", "queue", "run", "ranges", "platforms", "system"] as const).map(
      (id): Entry => ({ icon: id, label: t.nav[id], detail: t.palette.page, to: href([id]) }),
    );
    const content = [playbooks, bundles, scenarios].flatMap((list) => list.data?.items ?? []);
    return [
      ...pages,
      ...(ranges.data?.items ?? []).map((range): Entry => ({ icon: "ranges", label: range.name, detail: t.palette.range, to: href(["ranges", range.name]) })),
      ...content.map((entry): Entry => ({ icon: "run", label: entry.name, detail: t.palette.run(entry.kind), to: href(["run", entry.kind, ...entry.name.split("/")]) })),
      ...(jobs.data?.items ?? []).map((job): Entry => ({ icon: "jobs", label: titleOf(job.request).name, detail: `${job.state} · ${job.id}`, to: href(["jobs", job.id]) })),
    ];
  }, [jobs.data, ranges.data, playbooks.data, bundles.data, scenarios.data]);
}

export function Palette({ onClose }: { onClose: () => void }) {
  const entries = useEntries();
  const [text, setText] = useState("");
  const [selected, setSelected] = useState(0);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter((entry) => words.every((word) => `${entry.label} ${entry.detail}`.toLowerCase().includes(word))).slice(0, SHOWN);
  const open = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    onClose();
    navigate(entry.to);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setSelected((selected + step + found.length) % found.length);
    } else if (event.key === "Enter") open(found[selected]);
  };
  return (
    <Dialog title={t.palette.title} onClose={onClose}>
      <input
        className="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found.length > 0 ? `palette-${selected}` : undefined}
        aria-label={t.palette.title}
        placeholder={t.palette.placeholder}
        value={text}
        // the dialog is there for this field.
        autoFocus
        onChange={(event) => (setText(event.target.value), setSelected(0))}
        onKeyDown={onKeyDown}
      />
      {/* the field has the focus. */}
      <ul id="palette-list" role="listbox" aria-label={t.palette.title} className="palette-list">
        {found.map((entry, index) => (
          // keys are those of the field.
          <li key={entry.to} id={`palette-${index}`} role="option" aria-selected={index === selected} onClick={() => open(entry)} onMouseMove={() => setSelected(index)}>
            <Icon name={entry.icon} />
            <span>{entry.label}</span>
            <em>{entry.detail}</em>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="dim">{t.palette.nothing}</p>}
    </Dialog>
  );
}

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t.keys.title} onClose={onClose}>
      <dl className="keys">
        {t.keys.list.map(([keys, about]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{about}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
