import { Heading } from "./parts.tsx";

export function DeadLetters() {
  return <Heading title="DeadLetters" />;
}
