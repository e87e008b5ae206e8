/** Keeps the navigation usable when a page fails. */
import { Component, type ReactNode } from "react";
import { ProblemView } from "../ui/basics";
import { t } from "../text";

export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    return this.state.error === null ? this.props.children : <ProblemView error={this.state.error} title={t.pageFailed} />;
  }
}
