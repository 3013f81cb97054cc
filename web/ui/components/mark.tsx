/** The oriole: a small white bird on a blue rounded square. Decorative: the name of the product stands beside it. */
export function Mark({ size = 28 }: { readonly size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 28 28" aria-hidden="true">
      <rect width="28" height="28" rx="8" fill="#1a5dbe" />
      <path
        fill="#fff"
        d="M5.6 20.2c3.1-.5 4.6-1.9 6-4.4 1.5-2.7 3-6.6 7-6.6 1.6 0 2.6.7 3.2 1.8l2 .7-2 .9c-.2 4.6-3.4 8.4-8.6 8.4-1.6 0-2.9-.4-4-.9l-1.5 1.2-.2-1.3z"
      />
      <path d="M12.6 17.4c2.4.1 4.4-1 5.5-3" fill="none" stroke="#1a5dbe" strokeWidth="1.1" strokeLinecap="round" />
      <circle cx="18.9" cy="11.8" r=".8" fill="#1a5dbe" />
    </svg>
  );
}
