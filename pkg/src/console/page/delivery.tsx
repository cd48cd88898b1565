import { Heading } from "./parts.tsx";

export function Delivery() {
  return <Heading title="Delivery" />;
}
