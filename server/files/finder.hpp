#pragma once
#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "server/events/protocol.hpp"
#include "server/loop/net.hpp"
#include "server/loop/shares.hpp"
#include "storage/lookup/search.hpp"

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

struct Lanes;
struct Library;

// A name as `protocol` reads it. TFTP and HTTP ask nobody who he is: uploads may be withheld from them, and a
// name that leads above "/" is refused.
storage::Asked asked_over(event::Protocol protocol, const conf::Settings& settings, std::string name);

// Finds the images that clients ask for, while the loop goes on: on the lane for names by the very name; on
// the lane for explanations, of which each address has a share only, what was meant, or why there is nothing.
// For protocols that answer a name with one file or one error. Lives on the loop; must outlive each find().
class Finder {
 public:
  // Names that may wait to be looked up as they were meant, and of one address.
  static constexpr std::size_t most_meanings = 64, most_meanings_each = 16;

  using Answer = std::expected<storage::Found, storage::Miss>;

  Finder(Lanes& lanes, Library& library) : lanes_(lanes), library_(library) {}

  // Nothing where nobody may be told that there is no such file, because nobody has looked: too many wait, or
  // the process is out of descriptors. The client asks again. Nothing, too, when it is not `wanted` any more.
  net::awaitable<std::optional<Answer>> find(storage::Asked asked, net::ip::address client,
                                             std::function<bool()> wanted);

 private:
  Lanes& lanes_;
  Library& library_;
  Shares meanings_{most_meanings, most_meanings_each};
  Shares explanations_{most_explanations, most_explanations_each};
};

}  // namespace server
