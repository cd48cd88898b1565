// The secrets that sign everything in this bench.

export const secret = "whsec_Y3Jvbm96ZW4tZWRnZS1iZW5jaGVzLXNlY3JldA";

/** The secret for Standard Webhooks, with the key in base64. */
export const standardSecret = "whsec_Y3Jvbm96ZW4tZWRnZS1iZW5jaGVzLXNlY3JldA==";
