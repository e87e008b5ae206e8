/** Places for the nodes of a range: networks as shelves, with their machines below, and routers above those that they connect. */
import type { Graph } from "../api/types";

export interface Place {
  x: number;
  y: number;
}

export const SIZE = { width: 168, height: 54 };
const GAP = { x: 20, y: 22, cluster: 56, shelf: 110 };
/** Networks of one shelf are at least this wide together, before another shelf begins. */
const SHELF_PX = 2600;
/** The width of a map of many networks relative to its height. */
const ASPECT = 1.9;

export function layout(graph: Graph): Map<string, Place> {
  const places = new Map<string, Place>();
  const networksOf = new Map<string, string[]>();
  for (const { source, target } of graph.edges) networksOf.set(source, [...(networksOf.get(source) ?? []), target]);
  const isNetwork = new Set(graph.nodes.filter((node) => node.kind === "network").map((node) => node.id));
  const networks = graph.nodes.filter((node) => node.kind === "network");
  const machines = graph.nodes.filter((node) => node.kind !== "network" && node.kind !== "uplink");
  const inside = (id: string) => (networksOf.get(id) ?? []).filter((network) => isNetwork.has(network));
  const members = new Map<string, string[]>();
  const connecting: string[] = [];
  for (const machine of machines) {
    const own = inside(machine.id);
    if (own.length === 1 && (networksOf.get(machine.id) ?? []).length === 1) {
      members.set(own[0] as string, [...(members.get(own[0] as string) ?? []), machine.id]);
    } else connecting.push(machine.id);
  }
  const { top, width } = placeNetworks(networks.map((node) => node.id), members, places);
  placeAbove(connecting, inside, top, places);
  const uplink = graph.nodes.find((node) => node.kind === "uplink");
  if (uplink !== undefined) {
    const rows = [...places.values()].map((place) => place.y);
    places.set(uplink.id, { x: Math.max(0, width / 2 - SIZE.width / 2), y: Math.min(0, ...rows) - GAP.shelf });
  }
  return places;
}

/** Each network with its machines as a block, blocks side by side, shelves below each other. */
function placeNetworks(networks: string[], members: Map<string, string[]>, places: Map<string, Place>) {
  let [x, y, tallest, width] = [0, 0, 0, 0];
  const columnsOf = (network: string) => Math.max(1, Math.min(8, Math.ceil(Math.sqrt(members.get(network)?.length ?? 0))));
  const widthOf = (network: string) => columnsOf(network) * (SIZE.width + GAP.x) - GAP.x;
  const area = networks.reduce((sum, network) => {
    const rows = Math.ceil((members.get(network)?.length ?? 0) / columnsOf(network));
    return sum + (widthOf(network) + GAP.cluster) * (GAP.shelf * 3 + rows * (SIZE.height + GAP.y));
  }, 0);
  const shelf = Math.max(SHELF_PX, Math.sqrt(area * ASPECT));
  for (const network of networks) {
    const own = members.get(network) ?? [];
    const columns = columnsOf(network);
    const block = widthOf(network);
    if (x > 0 && x + block > shelf) [x, y, tallest] = [0, y + tallest + GAP.shelf * 2, 0];
    places.set(network, { x: x + block / 2 - SIZE.width / 2, y });
    own.forEach((machine, index) => {
      const row = Math.floor(index / columns);
      const inRow = Math.min(columns, own.length - row * columns);
      const indent = ((columns - inRow) * (SIZE.width + GAP.x)) / 2;
      places.set(machine, { x: x + indent + (index % columns) * (SIZE.width + GAP.x), y: y + GAP.shelf + row * (SIZE.height + GAP.y) });
    });
    tallest = Math.max(tallest, GAP.shelf + Math.ceil(own.length / columns) * (SIZE.height + GAP.y));
    width = Math.max(width, x + block);
    x += block + GAP.cluster;
  }
  return { top: 0, width };
}

/** Machines of several networks: above the middle of their networks, without overlaps. */
function placeAbove(machines: string[], inside: (id: string) => string[], top: number, places: Map<string, Place>) {
  const wanted = machines.map((id) => {
    const own = inside(id).flatMap((network) => places.get(network) ?? []);
    const x = own.length === 0 ? 0 : own.reduce((sum, place) => sum + place.x, 0) / own.length;
    return { id, x, y: own.length === 0 ? top : Math.min(...own.map((place) => place.y)) };
  });
  wanted.sort((one, other) => one.y - other.y || one.x - other.x);
  let last: { x: number; y: number } | null = null;
  for (const { id, x, y } of wanted) {
    const least: number = last !== null && last.y === y ? last.x + SIZE.width + GAP.x : Number.NEGATIVE_INFINITY;
    last = { x: Math.max(x, least), y };
    places.set(id, { x: last.x, y: y - GAP.shelf });
  }
}
