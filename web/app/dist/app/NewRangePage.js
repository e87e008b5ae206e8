import{C as e,F as t,P as n,U as r,V as i,g as a,v as o,y as s}from"./index.js";import{t as c}from"./Editor.js";var l=r();function u(e){return`name: my-range
platform: ${e}
networks:
  dmz: {}
  inside: {}
machines:
  gw: {template: debian-12, role: router, networks: [dmz, inside]}
  web: {template: debian-12, networks: [dmz], needs: [gw]}
  db: {template: debian-12, networks: [inside], memory_mb: 2048}
rules:
  - {from: dmz, to: inside, allow: [tcp/5432]}
`}function d(){let r=i({queryKey:[`platforms`],queryFn:()=>t(n.GET(`/v1/platforms`))});return r.data===void 0?r.error===null?(0,l.jsx)(o,{}):(0,l.jsx)(s,{error:r.error}):(0,l.jsxs)(l.Fragment,{children:[(0,l.jsx)(a,{title:e.ranges.create}),(0,l.jsx)(c,{initial:u(r.data.items[0]?.name??`simulated`),range:null})]})}export{d as default};