#pragma once
#include <cstdint>
#include <string>

// What happens to the requests of clients that fetch images over HTTP. Texts that came from a client are raw:
// a listener escapes them.
namespace server::event {

enum class Limit;

// A GET or HEAD of a name.
struct HttpRequested {
  std::uint64_t number;
  std::string client, method, name;
  const struct Remapped* remapped = nullptr;  // as in TftpRequested
};

// A request that draws no file: a HEAD, a list of a folder, a refusal.
struct HttpAnswered {
  std::uint64_t number;
  std::string client;
  unsigned status;   // "404"
  std::string what;  // "Not Found", or why a request could not be understood; a word of ours
};

// A connection was closed, or a request refused, by a limit; `name` is empty for a connection.
struct HttpLimited {
  std::uint64_t number;
  std::string client, name;
  Limit limit;
  unsigned status = 0;  // of the answer; 0: the connection was closed without one
};

}  // namespace server::event
