/** What is selected in the graph of a range. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { Graph, GraphNode } from "../api/types";
import { t } from "../text";
import { Button, Facts } from "../ui/basics";
import { State } from "../ui/State";

export function NodePanel({ range, node, graph, onClose }: { range: string; node: GraphNode; graph: Graph; onClose: () => void }) {
  const machines = useQuery({
    queryKey: ["ranges", range, "machines"],
    queryFn: () => body(api.GET("/v1/ranges/{id}/machines", { params: { path: { id: range } } })),
    enabled: node.kind === "machine",
  });
  const networks = useQuery({
    queryKey: ["ranges", range, "networks"],
    queryFn: () => body(api.GET("/v1/ranges/{id}/networks", { params: { path: { id: range } } })),
    enabled: node.kind === "network",
  });
  const id = node.id.slice(node.id.indexOf("/") + 1);
  const machine = machines.data?.items.find((one) => one.name === id);
  const network = networks.data?.items.find((one) => one.name === id);
  const links = graph.edges.filter((edge) => edge.source === node.id || edge.target === node.id);
  return (
    <aside className="panel" aria-label={node.label}>
      <div className="panel-head">
        <strong>{node.label}</strong>
        <Button kind="ghost" icon="cross" title={t.close} onClick={onClose} />
      </div>
      <State state={node.state} />
      <Facts
        facts={[
          [t.graph.kind, t.graph.kinds[node.kind as keyof typeof t.graph.kinds] ?? node.kind],
          [t.machines.role, node.role ?? null],
          [t.graph.instance, node.instance],
          [t.machines.template, machine?.template ?? null],
          [t.graph.cores, machine?.cores ?? null],
          [t.machines.memory, machine?.memory_mb ? `${machine.memory_mb} MiB` : null],
          [t.graph.gateway, machine?.gateway ?? network?.gateway ?? null],
          [t.graph.cidr, network?.cidr ?? null],
          [t.machines.snapshots, machine?.snapshots.join(", ") ?? null],
        ]}
      />
      <h3>{t.graph.links} <span className="count">{links.length}</span></h3>
      <ul className="plain-list">
        {links.slice(0, 100).map((edge) => {
          const other = edge.source === node.id ? edge.target : edge.source;
          return (
            <li key={other}>
              {graph.nodes.find((one) => one.id === other)?.label ?? other} <code className="dim">{edge.address ?? ""}</code>
            </li>
          );
        })}
      </ul>
    </aside>
  );
}
