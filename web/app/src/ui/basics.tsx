/** Small parts that all pages use. */
import { type ReactNode, useState } from "react";
import { asProblem } from "../api/problem";
import { href, type Params } from "../lib/route";
import { t } from "../text";
import { Icon, type IconName } from "./Icon";

export function Link({ to, params, children, className }: { to: string[]; params?: Params; children: ReactNode; className?: string }) {
  return (
    <a href={href(to, params)} className={className}>
      {children}
    </a>
  );
}

/** An error with its hint, its faults by field, and the ID under which the log of the service has it. */
export function ProblemView({ error, title }: { error: unknown; title?: string }) {
  const problem = asProblem(error);
  return (
    <div className="problem" role="alert">
      <Icon name="warning" />
      <div>
        <strong>{title ?? problem.message}</strong>
        {title !== undefined && <p>{problem.message}</p>}
        {problem.faults.length > 0 && (
          <ul className="faults">
            {problem.faults.map((fault) => (
              <li key={`${fault.field} ${fault.message}`}>
                <code>{fault.field || "·"}</code> {fault.message}
                {fault.hint !== undefined && <em> {fault.hint}</em>}
              </li>
            ))}
          </ul>
        )}
        {problem.hint !== null && <p className="hint">{problem.hint}</p>}
        <p className="dim small">
          <code>{problem.code}</code>
          {problem.requestId !== null && <> · {t.problem.request} <code>{problem.requestId}</code></>}
        </p>
      </div>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>{title}</p>
      {children}
    </div>
  );
}

/** A place that is being loaded. */
export function Loading({ text = t.loading }: { text?: string }) {
  return (
    <div className="loading" role="status">
      <Icon name="spin" /> {text}
    </div>
  );
}

interface ButtonProps {
  onClick?: () => void;
  children?: ReactNode;
  icon?: IconName;
  kind?: "plain" | "primary" | "danger" | "ghost";
  title?: string;
  isDisabled?: boolean;
  isPressed?: boolean;
  type?: "button" | "submit";
}

export function Button({ onClick, children, icon, kind = "plain", title, isDisabled, isPressed, type = "button" }: ButtonProps) {
  return (
    <button
      type={type}
      className={`button button-${kind}`}
      onClick={onClick}
      title={title}
      aria-label={children === undefined ? title : undefined}
      aria-pressed={isPressed}
      disabled={isDisabled}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function Copy({ text, label = t.copy }: { text: string; label?: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).catch(() => undefined);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Button kind="ghost" icon={isDone ? "check" : "copy"} onClick={copy} title={label}>
      {isDone ? t.copied : label}
    </Button>
  );
}

export interface Tab {
  id: string;
  label: string;
  count?: number | string;
}

/** Tabs as links, so that each has an address. */
export function Tabs({ tabs, current, onSelect, label }: { tabs: Tab[]; current: string; onSelect: (id: string) => void; label: string }) {
  const move = (event: React.KeyboardEvent, index: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step === undefined ? undefined : tabs[(index + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    onSelect(next.id);
    (event.currentTarget.parentElement?.querySelector(`[data-tab="${next.id}"]`) as HTMLElement | null)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label}>
      {tabs.map((tab, index) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          data-tab={tab.id}
          aria-selected={tab.id === current}
          tabIndex={tab.id === current ? 0 : -1}
          onClick={() => onSelect(tab.id)}
          onKeyDown={(event) => move(event, index)}
        >
          {tab.label}
          {tab.count !== undefined && <span className="count">{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}

export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl className="facts">
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Header({ title, children, actions }: { title: ReactNode; children?: ReactNode; actions?: ReactNode }) {
  return (
    <header className="page-header">
      <div className="page-title">
        <h1>{title}</h1>
        {children}
      </div>
      {actions !== undefined && <div className="actions">{actions}</div>}
    </header>
  );
}

export function Search({ value, onChange, label }: { value: string; onChange: (value: string) => void; label: string }) {
  return (
    <label className="search">
      <Icon name="search" />
      <span className="sr-only">{label}</span>
      <input type="search" data-search placeholder={label} value={value} onChange={(event) => onChange(event.target.value)} />
    </label>
  );
}
