export interface RingSvg {
  readonly title: string;
  readonly partitions: readonly { readonly primary: string | null; readonly after?: string | null }[];
  readonly nodes: readonly { readonly id: string; readonly weight: number; readonly state: string }[];
  readonly subtitle?: string;
}
export const ringSvg = (p: RingSvg): string => p.title;
