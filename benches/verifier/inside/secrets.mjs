// What everything in the benches is signed with.

export const secret = "whsec_Y3Jvbm96ZW4tZWRnZS1iZW5jaGVzLXNlY3JldA";

/** What Standard Webhooks take has the key in base64. */
export const standardSecret = "whsec_Y3Jvbm96ZW4tZWRnZS1iZW5jaGVzLXNlY3JldA==";
