export type Random = () => number;
