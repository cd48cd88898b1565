import { Heading } from "./parts.tsx";

export function DeadLetter() {
  return <Heading title="DeadLetter" />;
}
