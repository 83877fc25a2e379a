/** What the lab uses of preact.js, for the type checker alone. This file is ours. */
export interface Signal<T> {
  value: T;
  peek(): T;
  subscribe(callback: (value: T) => void): () => void;
}
export function html(strings: TemplateStringsArray, ...values: any[]): any;
export function render(content: any, parent: Element): void;
export const Fragment: any;
export function signal<T>(value: T): Signal<T>;
export function computed<T>(rule: () => T): Readonly<Signal<T>>;
export function effect(rule: () => void | (() => void)): () => void;
export function batch<T>(change: () => T): T;
export function untracked<T>(rule: () => T): T;
export function useSignal<T>(value: T): Signal<T>;
export function useComputed<T>(rule: () => T): Readonly<Signal<T>>;
export function useSignalEffect(rule: () => void | (() => void)): void;
export function useState<T>(start: T | (() => T)): [T, (value: T | ((before: T) => T)) => void];
export function useRef<T>(start: T): { current: T };
export function useMemo<T>(rule: () => T, of: any[]): T;
export function useEffect(rule: () => void | (() => void), of?: any[]): void;
export function useLayoutEffect(rule: () => void | (() => void), of?: any[]): void;
