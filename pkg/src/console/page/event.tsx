import { Heading } from "./parts.tsx";

export function Event() {
  return <Heading title="Event" />;
}
