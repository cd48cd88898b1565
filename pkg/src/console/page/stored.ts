// Keeps the operator's choices in the browser.

/** Returns true if the choice is kept. */
export function isStored(choice: string): boolean {
  try {
    return localStorage.getItem(nameOf(choice)) !== null;
  } catch {
    return false;
  }
}

/** Without storage, a choice lasts until the page is reloaded. */
export function store(choice: string, isChosen: boolean): void {
  try {
    isChosen ? localStorage.setItem(nameOf(choice), "1") : localStorage.removeItem(nameOf(choice));
  } catch {
    // There is no storage, or it is full.
  }
}

function nameOf(choice: string): string {
  return `cronozen-console-${choice}`;
}
