#include "server/os/identity.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "server/os/host_text.hpp"
#include "storage/depot/reach.hpp"
#include "storage/files/path_text.hpp"

namespace server {

std::optional<Account> choose_account(const Candidates& candidates) {
  if (candidates.named) return candidates.named;
  if (candidates.owner && !candidates.owner->is_root()) return candidates.owner;
  if (candidates.apdepot && !candidates.apdepot->is_root()) return candidates.apdepot;
  return std::nullopt;
}

void act_as_owner_of(const std::filesystem::path& directory) {
  const auto owner = owner_of(directory);
  if (owner && !owner->is_root() && own_account().is_root()) become(*owner);
}

void act_as_service(const Candidates& candidates) {
  const auto account = choose_account(candidates);
  if (account && !account->is_root() && own_account().is_root()) become(*account);
}

void expect_in_reach(const std::filesystem::path& depot) {
  const auto path = storage::out_of_reach(depot);
  if (!path) return;
  const auto name = own_account().name, place = storage::utf8_of(depot);
  throw std::runtime_error(
      fmt::format("the depot {} cannot be used: {} may not be read and written by {}, and was made by "
                  "another user; {}: `{}`",
                  place, storage::utf8_of(*path), name, host::as_administrator, host::give(name, place)));
}

}  // namespace server
