/** The machines of a range, and what can be done with them. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import type { Range } from "../api/types";
import { useCan } from "../caller";
import { href, useParam } from "../lib/route";
import { t } from "../text";
import { Button, Empty, Loading, ProblemView, Search } from "../ui/basics";
import { Dialog } from "../ui/Dialog";
import { State } from "../ui/State";

type Action = "start" | "stop" | "snapshot" | "revert" | "remove-snapshot";

export function MachinesView({ range }: { range: Range }) {
  const machines = useQuery({
    queryKey: ["ranges", range.name, "machines"],
    queryFn: () => body(api.GET("/v1/ranges/{id}/machines", { params: { path: { id: range.id } } })),
  });
  const [text, setText] = useParam("q");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const canChange = useCan("operator") && range.state === "ready";
  if (machines.data === undefined) return machines.error === null ? <Loading /> : <ProblemView error={machines.error} />;
  const shown = machines.data.items.filter((machine) => JSON.stringify(machine).toLowerCase().includes(text.toLowerCase()));
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  };
  const snapshots = [...new Set(machines.data.items.flatMap((machine) => machine.snapshots))].sort();
  return (
    <>
      <div className="filters">
        <Search value={text} onChange={setText} label={t.machines.search} />
        <span className="spacer" />
        {canChange && <MachineActions range={range} machines={[...chosen]} snapshots={snapshots} />}
      </div>
      {shown.length === 0 ? (
        <Empty title={t.machines.none} />
      ) : (
        <div className="scroll">
          <table className="table">
            <thead>
              <tr>
                {canChange && <th scope="col"><span className="sr-only">{t.machines.choose}</span></th>}
                <th scope="col">{t.jobs.state}</th>
                <th scope="col">{t.machines.machine}</th>
                <th scope="col">{t.machines.role}</th>
                <th scope="col">{t.machines.template}</th>
                <th scope="col">{t.machines.addresses}</th>
                <th scope="col" className="number">{t.machines.memory}</th>
                <th scope="col">{t.machines.snapshots}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((machine) => (
                <tr key={machine.name}>
                  {canChange && (
                    <td>
                      <input type="checkbox" aria-label={machine.name} checked={chosen.has(machine.name)} onChange={() => toggle(machine.name)} />
                    </td>
                  )}
                  <td className="state-cell"><State state={machine.stage} /></td>
                  <td>
                    <strong>{machine.machine}</strong>
                    {machine.instance !== "" && <span className="kind">{machine.instance}</span>}
                  </td>
                  <td className="dim">{machine.role}</td>
                  <td className="dim">{machine.template ?? machine.kind}</td>
                  <td>
                    {machine.networks.map((nic) => (
                      <span key={nic.network} className="nic"><span className="dim">{nic.network}</span> <code>{nic.address ?? ""}</code></span>
                    ))}
                  </td>
                  <td className="number dim">{machine.memory_mb === null ? "–" : `${machine.memory_mb} MiB`}</td>
                  <td className="dim">{machine.snapshots.join(", ")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** Actions on the chosen machines; on all if none is chosen. */
function MachineActions({ range, machines, snapshots }: { range: Range; machines: string[]; snapshots: string[] }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: (action: Action) => {
      const params = { path: { id: range.id } };
      const some = machines.length === 0 ? {} : { machines };
      switch (action) {
        case "start":
          return body(api.POST("/v1/ranges/{id}/actions/start", { params, body: some }));
        case "stop":
          return body(api.POST("/v1/ranges/{id}/actions/stop", { params, body: some }));
        case "snapshot":
          return body(api.POST("/v1/ranges/{id}/actions/snapshot", { params, body: { ...some, name } }));
        case "revert":
          return body(api.POST("/v1/ranges/{id}/actions/revert", { params, body: { ...some, name } }));
        case "remove-snapshot":
          return body(api.POST("/v1/ranges/{id}/actions/remove-snapshot", { params, body: { ...some, name } }));
      }
    },
    onSuccess: () => setAsked(null),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["ranges"] }),
  });
  const ask = (action: Action) => (act.reset(), setName(action === "snapshot" ? "" : (snapshots.at(-1) ?? "")), setAsked(action));
  const needsName = asked === "snapshot" || asked === "revert" || asked === "remove-snapshot";
  return (
    <>
      <a className="button" href={href(["run"], { inventory: `range/${range.name}` })}>{t.machines.run}</a>
      <Button onClick={() => ask("start")}>{t.machines.actions.start}</Button>
      <Button onClick={() => ask("stop")}>{t.machines.actions.stop}</Button>
      <Button onClick={() => ask("snapshot")}>{t.machines.actions.snapshot}</Button>
      {snapshots.length > 0 && <Button onClick={() => ask("revert")}>{t.machines.actions.revert}</Button>}
      {snapshots.length > 0 && <Button onClick={() => ask("remove-snapshot")}>{t.machines.actions["remove-snapshot"]}</Button>}
      {asked !== null && (
        <Dialog title={`${t.machines.actions[asked]}: ${machines.length === 0 ? t.machines.all : machines.join(", ")}`} onClose={() => setAsked(null)}>
          <form onSubmit={(event) => (event.preventDefault(), act.mutate(asked))}>
            {asked === "revert" && <p className="hint">{t.machines.revertWarning}</p>}
            {needsName && (
              <label className="field">
                <span>{t.machines.snapshotName}</span>
                <input list="snapshots" required value={name} onChange={(event) => setName(event.target.value)} />
                <datalist id="snapshots">
                  {snapshots.map((one) => (
                    <option key={one} value={one} />
                  ))}
                </datalist>
              </label>
            )}
            {act.error !== null && <ProblemView error={act.error} />}
            <div className="dialog-actions">
              <Button onClick={() => setAsked(null)}>{t.close}</Button>
              <Button type="submit" kind={asked === "revert" ? "danger" : "primary"} isDisabled={act.isPending}>{t.machines.actions[asked]}</Button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
