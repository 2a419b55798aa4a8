#pragma once
#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "server/loop/client_network.hpp"
#include "server/loop/net.hpp"
#include "server/loop/one_thread.hpp"

namespace server {

// How many misses may wait for an explanation, in all and of one address; further misses are logged without a
// hint.
constexpr std::size_t most_explanations = 16, most_explanations_each = 4;

// Of `most` of something, of which `free` are left, who has `taken` may have one more as long as he leaves to
// others a seventh as many as he has, and a 32nd of all for each that he has, an eighth at most. So one has
// seven eighths, and of many who take all that they get most have one or two.
constexpr bool leaves_enough(std::size_t taken, std::size_t free, std::size_t most) {
  return free > 0 && taken <= 7 * (free - 1) && std::min<std::size_t>(taken, 4) * most / 32 <= free - 1;
}

// Places at something that is scarce: so many in all, and so many for one address (a /64 in IPv6), so that
// nobody takes all of them. Bookkeeping alone; lives on the loop. A Share gives its place back when it goes.
class Shares {
 public:
  Shares(std::size_t most, std::size_t most_each) : most_(most), most_each_(most_each) {}

  class Share {
   public:
    Share(Share&& other) noexcept = default;
    Share& operator=(Share&&) = delete;
    ~Share() {
      if (held_) held_->give_back(source_, count_);
    }

   private:
    friend class Shares;
    struct Counts {
      OneThread thread;
      std::size_t all = 0;
      std::map<net::ip::address, std::size_t> each;
      void give_back(const net::ip::address& source, std::size_t count) {
        thread.expect();
        all -= count;
        const auto place = each.find(source);
        if ((place->second -= count) == 0) each.erase(place);
      }
    };
    Share(std::shared_ptr<Counts> counts, const net::ip::address& source, std::size_t count)
        : held_(std::move(counts)), source_(source), count_(count) {}

    std::shared_ptr<Counts> held_;
    net::ip::address source_;
    std::size_t count_;
  };

  // From now on; who has a place keeps it.
  void bound(std::size_t most, std::size_t most_each) {
    most_ = most;
    most_each_ = most_each;
  }
  bool are_all_taken() const { return counts_->all >= most_; }

  // Nothing: all are taken, or all that one address may have.
  std::optional<Share> take(const net::ip::address& address) { return take(address, false); }
  // The same, and who has some leaves_enough().
  std::optional<Share> take_and_leave(const net::ip::address& address) { return take(address, true); }
  // So many at once, at least one: bytes, for instance. Who has none yet may take more than is one's share,
  // or than there are if nobody has any; who has some leaves the last quarter of all to the others.
  std::optional<Share> take_many(const net::ip::address& address, std::size_t count) {
    counts_->thread.expect();
    const auto source = client_network(address);
    const auto place = counts_->each.find(source);
    const bool has_none = place == counts_->each.end();
    const auto free = are_all_taken() ? 0 : most_ - counts_->all;
    const bool fits = has_none ? count <= free || counts_->all == 0
                               : place->second + count <= most_each_ && count + most_ / 4 <= free;
    if (!fits) return {};
    counts_->each[source] += count;
    counts_->all += count;
    return Share(counts_, source, count);
  }

 private:
  std::optional<Share> take(const net::ip::address& address, bool leaves) {
    counts_->thread.expect();
    if (are_all_taken()) return {};
    const auto source = client_network(address);
    auto& taken = counts_->each[source];
    if (taken >= most_each_ || (leaves && !leaves_enough(taken, most_ - counts_->all, most_))) return {};
    ++taken;
    ++counts_->all;
    return Share(counts_, source, 1);
  }

  std::size_t most_, most_each_;
  std::shared_ptr<Share::Counts> counts_ = std::make_shared<Share::Counts>();
};

}  // namespace server
