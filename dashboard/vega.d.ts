/** Comes with the libraries that the page embeds. */
declare function vegaEmbed(element: string, spec: object, options: object): Promise<any>;
