import { Heading } from "./parts.tsx";

export function Overview() {
  return <Heading title="Overview" />;
}
