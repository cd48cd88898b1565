// The installed Next.js is a link out of this project, so the root that Turbopack reads must hold both.

export default { turbopack: { root: "/" } };
