import { Heading } from "./parts.tsx";

export function Audit() {
  return <Heading title="Audit" />;
}
