#include "server/os/identity.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "server/os/host_text.hpp"
#include "storage/depot/reach.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace fs = std::filesystem;

std::optional<Account> choose_account(const Candidates& candidates) {
  if (candidates.named) return candidates.named;
  if (candidates.owner && !candidates.owner->is_root()) return candidates.owner;
  if (candidates.apdepot && !candidates.apdepot->is_root()) return candidates.apdepot;
  return std::nullopt;
}

std::optional<Account> owner_or_heir_of(fs::path directory) {
  auto owner = owner_of(directory);
  while (!owner && directory.has_relative_path()) {
    directory = directory.parent_path();
    owner = owner_of(directory);
  }
  return owner;
}

void act_as_owner_of(const fs::path& directory, const fs::path& within) {
  if (!own_account().is_root()) return;
  const auto path = fs::absolute(directory).lexically_normal();
  const auto owner = owner_or_heir_of(path);
  if (owner && !owner->is_root()) return become(*owner);
  auto open = others_may_change(path);
  if (!open && !within.empty()) open = others_may_change(path / within);
  if (!open) return;
  throw std::runtime_error(fmt::format(
      "root does not work in {0}: others than root may change {1}, and could make root write "
      "anywhere; give {0} to whom it is for (`chown -R apdepot: {0}`), or let root alone change {1}",
      storage::utf8_of(path), storage::utf8_of(*open)));
}

void act_as_service(const Candidates& candidates, const fs::path& directory, const fs::path& within) {
  const auto account = choose_account(candidates);
  if (!account) return act_as_owner_of(directory, within);
  if (!account->is_root() && own_account().is_root()) become(*account);
}

void expect_in_reach(const fs::path& depot) {
  const auto path = storage::out_of_reach(depot);
  if (!path) return;
  const auto name = own_account().name, place = storage::utf8_of(depot);
  throw std::runtime_error(
      fmt::format("the depot {} cannot be used: {} may not be read and written by {}, and was made by "
                  "another user; {}: `{}`",
                  place, storage::utf8_of(*path), name, host::as_administrator, host::give(name, place)));
}

}  // namespace server
