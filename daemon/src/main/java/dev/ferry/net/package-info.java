/** What both listeners of a ferryd need, that for peers and that for control: TLS by files, limits of connections, threads by who calls. */
package dev.ferry.net;
