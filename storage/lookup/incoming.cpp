#include "storage/lookup/incoming.hpp"

#include <algorithm>
#include <utility>

#include "storage/images/image_name.hpp"

namespace storage {
namespace {

constexpr std::size_t most_files = 1000, most_bundles = 8;

// What may be published of drop/, by its name.
std::vector<std::string> bundles_in(const Root& drop) {
  std::vector<std::string> names;
  auto folder = drop.open_directory({});
  if (!folder) return names;
  const auto entries = folder->read(most_files);
  if (!entries) return names;
  for (const auto& entry : *entries) {
    const bool named = is_archive(entry.name) || is_single_image_name(entry.name);
    if (named && entry.attributes.kind == Kind::file && Path::is_component(entry.name))
      names.push_back(entry.name);
  }
  std::ranges::sort(names);
  return names;
}

// Nothing is read of it: it may still be written, or lie on a disk that stands still.
Archived by_name(const std::string& name) {
  Archived bundle{Path{} / name};
  if (!is_archive(name)) {
    bundle.members = {name};
    return bundle;
  }
  const ReleaseEvidence evidence{
      .bundle_name = name, .controller_version = {}, .ap_version = {}, .members = {"ap1g8"}};
  bundle.version = Version::parse(name_release(evidence).release);
  return bundle;
}

}  // namespace

void IncomingBundles::begins(std::string name) {
  const std::lock_guard lock(mutex_);
  import_ = Import{std::move(name)};
}

void IncomingBundles::goes_on(std::uint64_t done, std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  if (!import_) return;
  import_->done = done;
  import_->total = total;
}

void IncomingBundles::ends() {
  const std::lock_guard lock(mutex_);
  import_.reset();
}

std::optional<IncomingBundles::Import> IncomingBundles::import() const {
  const std::lock_guard lock(mutex_);
  return import_;
}

std::vector<Incoming> IncomingBundles::now() const {
  const auto drop = Root::open(depot_.drop());
  if (!drop) return {};
  const auto import = this->import();
  auto names = bundles_in(*drop);
  if (import) std::ranges::stable_partition(names, [&](const auto& name) { return name == import->name; });
  names.resize(std::min(names.size(), most_bundles));
  std::vector<Incoming> bundles;
  for (const auto& name : names) {
    Incoming bundle{by_name(name)};
    if (import && import->name == name)
      bundle.percent = import->total == 0 ? 0U : static_cast<unsigned>(import->done * 100 / import->total);
    bundles.push_back(std::move(bundle));
  }
  return bundles;
}

}  // namespace storage
