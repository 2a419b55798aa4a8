#include "server/api/running_reads.hpp"

#include <utility>

#include "server/api/transfers.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"

namespace server {

void RunningReads::collect(Then then) {
  if (const auto under_way = under_way_.lock()) return under_way->waiting.push_back(std::move(then));
  if (auto lately = collected_.lock(); lately && Running::Clock::now() - collected_at_ < shared_for)
    return then(std::move(lately));
  const auto all = std::make_shared<Collection>();
  all->waiting.push_back(std::move(then));
  under_way_ = all;
  const auto look = [all](const Running::Row& row, Running::Clock::time_point now) {
    const auto& what = row.what;
    if (what.write || !row.began) return;
    const auto moved = row.moving->moved();
    all->reads->push_back({what.client, escaped_path(what.name), moved.bytes, what.size,
                           movement_of(row, moved, now) == Movement::stalled,
                           std::string(word(what.protocol))});
  };
  look_at(at_once, 0, look, [this, all] {
    under_way_.reset();
    collected_ = all->reads;
    collected_at_ = Running::Clock::now();
    for (auto& each : all->waiting) each(all->reads);
  });
}

void RunningReads::sum(ThenSum then) {
  const auto all = std::make_shared<Movements>();
  const auto look = [all](const Running::Row& row, Running::Clock::time_point now) {
    ++all->running[word(row.what.protocol)];
    if (!row.began) return;
    const auto moved = row.moving->moved();
    const auto movement = movement_of(row, moved, now);
    if (movement == Movement::stalled) ++all->stalled;
    if (movement == Movement::moving) all->rate += rate_of(row, moved, now);
  };
  look_at(summed_at_once, 0, look, [all, then = std::move(then)]() mutable { then(*all); });
}

void RunningReads::look_at(std::size_t most, Running::Id after, Look look, Done done) {
  const auto now = Running::Clock::now();
  const auto& rows = running_.rows();
  auto row = rows.upper_bound(after);
  for (std::size_t count = 0; row != rows.end() && count < most; ++row, ++count) {
    after = row->first;
    look(row->second, now);
  }
  if (row == rows.end()) return done();
  net::post(loop_, [this, most, after, look = std::move(look), done = std::move(done)]() mutable {
    look_at(most, after, std::move(look), std::move(done));
  });
}

}  // namespace server
