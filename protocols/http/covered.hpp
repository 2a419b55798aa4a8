#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

#include "protocols/http/range.hpp"

namespace protocols::http {

// Which bytes of one file a client has had, in whatever parts and order it asked for them. Bookkeeping alone:
// no clock, bounded memory. One thread at a time.
class Covered {
 public:
  // Parts with gaps between them; what would be one more is forgotten, so that the file never seems whole.
  static constexpr std::size_t most_parts = 64;

  void add(const Span& part);
  bool is_whole(std::uint64_t size) const;

 private:
  std::map<std::uint64_t, std::uint64_t> parts_;  // where each begins, and where it ends
};

}  // namespace protocols::http
