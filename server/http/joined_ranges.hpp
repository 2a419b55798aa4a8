#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>

#include "protocols/http/covered.hpp"
#include "protocols/http/range.hpp"

namespace server::http {

// Which clients have which parts of which files, so that a download that broke off and went on counts as one
// whole file. Remembers the last 4096 that are not whole yet. Bookkeeping alone: no clock; lives on the loop.
class JoinedRanges {
 public:
  static constexpr std::size_t most = 4096;

  // `client` has had these bytes of the file that `version` names: its path and ETag. True when it has all
  // of it now, which is then forgotten.
  bool add(const std::string& client, const std::string& version, const protocols::http::Span& part,
           std::uint64_t size);

 private:
  using Key = std::pair<std::string, std::string>;
  struct Kept {
    protocols::http::Covered covered;
    std::list<Key>::iterator place;
  };

  std::map<Key, Kept> kept_;
  std::list<Key> order_;  // the latest last
};

}  // namespace server::http
