/** A modal dialog. The browser keeps the focus inside, and Escape closes it. */
import { type ReactNode, useEffect, useRef } from "react";
import { Button } from "./basics";
import { t } from "../text";

export function Dialog({ title, children, onClose, isWide = false }: { title: string; children: ReactNode; onClose?: () => void; isWide?: boolean }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      className={isWide ? "dialog dialog-wide" : "dialog"}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => event.target === element.current && onClose?.()}
      onKeyDown={(event) => event.key === "Escape" && event.stopPropagation()}
    >
      <div className="dialog-body">
        <div className="dialog-head">
          <h2>{title}</h2>
          {onClose !== undefined && <Button kind="ghost" icon="cross" title={t.close} onClick={onClose} />}
        </div>
        {children}
      </div>
    </dialog>
  );
}
