import { expect, test } from "vitest";
import type { Graph } from "../api/types";
import { layout, SIZE } from "./layout";

test("no two nodes of a range with 1,089 nodes overlap", () => {
  const nodes: Graph["nodes"] = [{ id: "uplink", kind: "uplink", label: "uplink", instance: "", state: "exists" }];
  const edges: Graph["edges"] = [];
  for (let network = 0; network < 32; network++) {
    nodes.push({ id: `network/${network}`, kind: "network", label: `${network}`, instance: "", state: "exists" });
    for (let machine = 0; machine < 33; machine++) {
      const id = `machine/${network}-${machine}`;
      nodes.push({ id, kind: "machine", label: id, instance: "", role: "service", state: "ready" });
      edges.push({ source: id, target: `network/${network}` });
      if (machine === 0) edges.push({ source: id, target: `network/${(network + 1) % 32}` }, { source: id, target: "uplink" });
    }
  }
  const places = [...layout({ nodes, edges }).values()];
  expect(places.length).toBe(nodes.length);
  const overlapping = places.filter((one, index) =>
    places.some((other, at) => at < index && Math.abs(one.x - other.x) < SIZE.width && Math.abs(one.y - other.y) < SIZE.height),
  );
  expect(overlapping).toEqual([]);
});
