#include "server/os/identity.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "storage/depot/reach.hpp"

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
  const auto name = own_account().name;
  throw std::runtime_error(
      fmt::format("the depot {0} cannot be used: {1} may not be read and written by {2}, and was made by "
                  "another user; as root: `chown -R {2}: {0}`",
                  depot.string(), path->string(), name));
}

}  // namespace server
