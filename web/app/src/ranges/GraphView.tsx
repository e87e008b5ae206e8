/** Networks and machines of a range as a graph, with live states. */
import { Background, Controls, type Edge, Handle, MiniMap, type Node, type NodeProps, Position, ReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "../styles/graph.css";
import { useQuery } from "@tanstack/react-query";
import { memo, useMemo } from "react";
import { api, body } from "../api/client";
import type { Graph, GraphNode } from "../api/types";
import { useParam } from "../lib/route";
import { t } from "../text";
import { Empty, Loading, ProblemView } from "../ui/basics";
import { Icon, type IconName } from "../ui/Icon";
import { lookOf, StateIcon } from "../ui/State";
import { layout, SIZE } from "./layout";
import { NodePanel } from "./NodePanel";

type FlowNode = Node<{ node: GraphNode; address: string | null }, "item">;

/** Above this number of nodes there is a small map, and addresses are left out of the edges. */
const LARGE = 60;

function iconOf(node: GraphNode): IconName {
  if (node.kind === "network") return "network";
  if (node.kind === "uplink") return "outside";
  return node.role === "router" || node.role === "jumpbox" ? "router" : "machine";
}

const Item = memo(function Item({ data: { node, address }, selected }: NodeProps<FlowNode>) {
  const [tone] = lookOf(node.state);
  return (
    <div className={`node node-${node.kind} node-tone-${tone}${selected ? " node-selected" : ""}`} style={{ width: SIZE.width, height: SIZE.height }}>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <Icon name={iconOf(node)} />
      <span className="node-text">
        <strong>{node.label}</strong>
        <small>{[node.instance, address ?? node.role].filter(Boolean).join(" · ")}</small>
      </span>
      {node.kind !== "uplink" && <StateIcon state={node.state} />}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  );
});

const TYPES = { item: Item };

function flowOf(graph: Graph, selected: string): { nodes: FlowNode[]; edges: Edge[] } {
  const places = layout(graph);
  const kinds = new Map(graph.nodes.map((node) => [node.id, node.kind]));
  const addresses = new Map<string, string[]>();
  for (const edge of graph.edges) if (edge.address !== undefined) addresses.set(edge.source, [...(addresses.get(edge.source) ?? []), edge.address]);
  const isLarge = graph.nodes.length > LARGE;
  const nodes = graph.nodes.map((node): FlowNode => {
    const own = addresses.get(node.id) ?? [];
    return {
      id: node.id,
      type: "item",
      position: places.get(node.id) ?? { x: 0, y: 0 },
      data: { node, address: own.length === 1 ? (own[0] as string) : null },
      selected: node.id === selected,
      width: SIZE.width,
      height: SIZE.height,
      ariaLabel: `${node.kind} ${node.label}, ${(t.states as Record<string, string>)[node.state] ?? node.state}`,
    };
  });
  const edges = graph.edges.map((edge): Edge => {
    // Edges lead down: from the outside to routers, to networks, to machines.
    const from = places.get(edge.source);
    const to = places.get(edge.target);
    const isUp = from !== undefined && to !== undefined && to.y < from.y;
    return {
      id: `${edge.source} ${edge.target}`,
      source: isUp ? edge.target : edge.source,
      target: isUp ? edge.source : edge.target,
      type: "default",
      label: isLarge || kinds.get(edge.target) === "uplink" || (addresses.get(edge.source)?.length ?? 0) < 2 ? undefined : edge.address,
      focusable: false,
      className: edge.source === selected || edge.target === selected ? "edge-selected" : undefined,
    };
  });
  return { nodes, edges };
}

export default function GraphView({ range }: { range: string }) {
  const graph = useQuery({ queryKey: ["ranges", range, "graph"], queryFn: () => body(api.GET("/v1/ranges/{id}/graph", { params: { path: { id: range } } })) as Promise<Graph> });
  const [selected, setSelected] = useParam("node");
  const flow = useMemo(() => (graph.data === undefined ? null : flowOf(graph.data, selected)), [graph.data, selected]);
  if (graph.error !== null) return <ProblemView error={graph.error} />;
  if (flow === null || graph.data === undefined) return <Loading />;
  if (flow.nodes.length === 0) return <Empty title={t.graph.none} />;
  const node = graph.data.nodes.find((one) => one.id === selected);
  return (
    <div className={node === undefined ? "graph-split" : "graph-split graph-split-open"}>
      <div className="graph" role="application" aria-label={t.graph.label}>
        <ReactFlow
          nodes={flow.nodes}
          edges={flow.edges}
          nodeTypes={TYPES}
          nodesDraggable={false}
          nodesConnectable={false}
          onlyRenderVisibleElements={flow.nodes.length > LARGE}
          fitView
          fitViewOptions={{ maxZoom: 1.1, padding: 0.12 }}
          minZoom={0.05}
          onNodeClick={(_event, item) => setSelected(item.id)}
          onPaneClick={() => setSelected(null)}
          proOptions={{ hideAttribution: false }}
        >
          <Background gap={22} size={1} />
          <Controls showInteractive={false} />
          {flow.nodes.length > LARGE && <MiniMap pannable zoomable />}
        </ReactFlow>
      </div>
      {node !== undefined && <NodePanel range={range} node={node} graph={graph.data} onClose={() => setSelected(null)} />}
    </div>
  );
}
