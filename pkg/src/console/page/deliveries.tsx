import { Heading } from "./parts.tsx";

export function Deliveries() {
  return <Heading title="Deliveries" />;
}
