export type ValueKind = string;
