#include "server/api/running_reads.hpp"

#include <utility>

#include "server/api/transfers.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"

namespace server {

void RunningReads::collect(Then then) { go_on(std::make_shared<Reads>(), 0, std::move(then)); }

void RunningReads::go_on(std::shared_ptr<Reads> reads, std::uint64_t after, Then then) {
  const auto now = Running::Clock::now();
  const auto& rows = running_.rows();
  std::size_t looked_at = 0;
  auto row = rows.upper_bound(after);
  for (; row != rows.end() && looked_at < at_once; ++row, ++looked_at) {
    after = row->first;
    const auto& what = row->second.what;
    if (what.write || !row->second.began) continue;
    reads->push_back({what.client, escaped_path(what.name), row->second.moving->moved().bytes, what.size,
                      movement_of(row->second, now) == Movement::stalled, std::string(word(what.protocol))});
  }
  if (row == rows.end()) return then(std::move(reads));
  net::post(loop_, [this, reads = std::move(reads), after, then = std::move(then)]() mutable {
    go_on(std::move(reads), after, std::move(then));
  });
}

}  // namespace server
