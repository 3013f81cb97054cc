declare module '*?worker&url' {
  const url: string;
  export default url;
}
declare module '*?sharedworker&url' {
  const url: string;
  export default url;
}
