import { Heading } from "./parts.tsx";

export function Incidents() {
  return <Heading title="Incidents" />;
}

export function Incident() {
  return <Heading title="Incident" />;
}
