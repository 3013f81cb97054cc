import { useMemo } from 'react';
import { encode } from 'uqr';

/** A QR code as one path, always dark on light so that every camera reads it. */
export function Qr({ data, label }: { readonly data: string; readonly label: string }) {
  const { size, path } = useMemo(() => {
    const code = encode(data, { ecc: 'M', border: 3 });
    const cells = code.data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { size: code.size, path: cells.join('') };
  }, [data]);
  return (
    <svg className="qr" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#16202c" />
    </svg>
  );
}
