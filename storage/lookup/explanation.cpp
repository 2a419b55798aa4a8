#include "storage/lookup/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/archives/member_name.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/images/lookalike.hpp"
#include "storage/lookup/forgiving.hpp"

namespace storage {
namespace {

constexpr std::size_t most_named = 5;

std::string images(const Shelf& shelf) {
  std::string text;
  for (const auto& file : shelf.files) {
    if (is_image_family(file.name)) text.append(text.empty() ? "" : ", ").append(file.name);
  }
  return text;
}

// The images; of a shelf that has none, its first files.
std::string offer(const Shelf& shelf) {
  if (shelf.has_images()) return images(shelf);
  std::string text;
  for (std::size_t i = 0; i < std::min(shelf.files.size(), most_named); ++i) {
    text.append(i == 0 ? "" : ", ").append(shelf.files[i].name);
  }
  return shelf.files.size() > most_named ? text + ", ..." : text;
}

std::string listed(const Catalogue::Shelves& shelves) {
  std::string text;
  for (std::size_t i = 0; i < std::min(shelves.size(), most_named); ++i)
    text.append(text.empty() ? "" : ", ").append(shelves[i]->path.text());
  return shelves.size() > most_named ? text + ", ..." : text;
}

// Where two are as near as each other, no path is given for the controller: it would take one of them for
// good.
Miss pointing_at(Cause cause, std::string what, const Catalogue::Shelves& shelves, const std::string& file) {
  const auto hint = fmt::format("{} is in {}", file, listed(shelves));
  if (shelves.size() == 1) return {cause, std::move(what), hint, shelves.front()->path / file, {}};
  return {cause, std::move(what), hint + ": name one of them, or promote it", {}, {}};
}

std::string state_of(const Incoming& bundle) {
  if (!bundle.percent) return fmt::format("{} waits in drop/", bundle.archive.path.name());
  return fmt::format("{} is being imported, {} % done", bundle.archive.path.name(), *bundle.percent);
}

}  // namespace

Explanation::Explanation(const Root& root, const Catalogue& catalogue, const Depot* depot, const Path& asked,
                         bool forgiving)
    : root_(root),
      catalogue_(catalogue),
      has_imports_(depot != nullptr),
      asked_(asked),
      directory_(asked.parent()),
      version_asked_(version_in(directory_.name())),
      here_(shelf_asked(forgiving)),
      incoming_(depot && !is_release_here() ? incoming_bundles(*depot) : std::vector<Incoming>{}),
      nearness_(directory_, here_),
      holders_(holders()) {}

Miss Explanation::miss() const {
  if (auto miss = wrong_case()) return *miss;
  if (auto miss = being_imported()) return *miss;
  if (auto miss = not_unpacked()) return *miss;
  if (auto miss = lookalike_file()) return *miss;
  if (auto miss = family_missing()) return *miss;
  if (auto miss = lookalike_directory()) return *miss;
  return wrong_place();
}

std::optional<Miss> Explanation::wrong_case() const {
  std::vector<Path> fits;
  for (const auto* shelf : catalogue_.like(directory_)) {
    if (folded(shelf->path.text()) != folded(directory_.text())) continue;
    for (const auto& file : shelf->files) {
      if (folded(file.name) == folded(asked_.name())) fits.push_back(shelf->path / file.name);
    }
  }
  if (fits.empty()) return {};
  const auto what = asked_.text() + " is written in another case";
  const auto& first = fits.front();
  const auto hint = fits.size() == 1
                        ? fmt::format("{} is in {}", first.name(), first.parent().text())
                        : fmt::format("{} and {} differ by case alone", first.text(), fits[1].text());
  return Miss{Cause::wrong_case, what, hint, first, {}};
}

// Not when the name asked is that of a file elsewhere: then it is no typing error.
std::optional<Miss> Explanation::lookalike_file() const {
  if (!holders_.empty()) return {};
  const auto similar = [this](const Shelf::File& file) { return look_alike(file.name, asked_.name()); };
  const auto in = [&similar](const Shelf& shelf) { return std::ranges::find_if(shelf.files, similar); };
  const auto shelves = nearest(catalogue_.holding(asked_.name()),
                               [&](const Shelf& each) { return in(each) != each.files.end(); });
  if (shelves.empty()) return {};
  return pointing_at(Cause::lookalike, fmt::format("there is no {}", asked_.name()), shelves,
                     in(*shelves.front())->name);
}

std::optional<Miss> Explanation::lookalike_directory() const {
  const auto shelves = nearest(catalogue_.like(directory_),
                               [&](const Shelf& each) { return each.file(asked_.name()) != nullptr; });
  if (shelves.empty()) return {};
  return pointing_at(Cause::lookalike, fmt::format("there is no {}", directory_.text()), shelves,
                     *shelves.front()->file(asked_.name()));
}

// Of another release than the one asked it is no answer.
std::optional<Miss> Explanation::being_imported() const {
  const auto bundle = std::ranges::find_if(incoming_, [this](const Incoming& each) {
    return may_be_in(each.archive) && (!version_asked_ || each.archive.version == version_asked_);
  });
  if (bundle == incoming_.end()) return {};
  return Miss{Cause::being_imported, asked_.text() + " is not here yet", state_of(*bundle), {}, {}};
}

std::optional<Miss> Explanation::not_unpacked() const {
  const Archived* archive = nullptr;
  for (const auto& each : catalogue_.archives()) {
    if (may_be_in(each) && (!archive || is_nearer(each, *archive))) archive = &each;
  }
  if (!archive) return {};
  const auto where = (archive->rejected ? "rejected" : "") + archive->path.text();
  const auto hint = archive->rejected
                        ? fmt::format("{} is of its release: {}.reason.txt says why it was rejected",
                                      asked_.name(), archive->path.name())
                        : fmt::format("{} is inside {}: move that into drop/", asked_.name(), where);
  return Miss{Cause::not_unpacked,
              where + " is not unpacked",
              hint,
              archive->rejected ? std::nullopt : std::optional(archive->path),
              {}};
}

bool Explanation::is_nearer(const Archived& archive, const Archived& other) const {
  const auto distance = nearness_.from_asked(archive.version), others = nearness_.from_asked(other.version);
  return distance && (!others || *distance < *others);
}

// It holds the name, and is what was asked for: of that directory, of that release, or of any where no
// release has the file. What cannot be listed counts only for a release that is not here.
bool Explanation::may_be_in(const Archived& archive) const {
  if (!archive.holds(asked_.name())) return false;
  const bool same_release = version_asked_ && archive.version == version_asked_;
  if (archive.members.empty()) return same_release && !here_;
  return holders_.empty() || same_release || (!archive.rejected && archive.path.parent() == directory_);
}

std::optional<Miss> Explanation::family_missing() const {
  if (!here_ || !here_->has_images() || !is_image_family(asked_.name())) return {};
  const auto what = fmt::format("{} has no {}", here_->path.text(), asked_.name());
  if (!holders_.empty())
    return pointing_at(Cause::family_missing, what, holders_, *holders_.front()->file(asked_.name()));
  return Miss{Cause::family_missing, what, "it has " + images(*here_), {}, {}};
}

Miss Explanation::wrong_place() const {
  const auto missing = here_ || root_.attributes(directory_) ? asked_ : directory_;
  const auto what = missing.text() + " does not exist";
  const bool unknown = names_unknown_release(missing);
  const auto elsewhere = unknown ? Cause::no_such_release : Cause::wrong_directory;
  if (!holders_.empty())
    return pointing_at(elsewhere, what, holders_, *holders_.front()->file(asked_.name()));
  if (unknown) return {Cause::no_such_release, what, releases(), {}, {}};
  return {Cause::not_found, what, what_there_is(), {}, {}};
}

const Shelf* Explanation::shelf_asked(bool forgiving) const {
  if (const auto* found = catalogue_.shelf(directory_)) return found;
  return forgiving ? shelf_meant(catalogue_, {asked_}) : nullptr;
}

Catalogue::Shelves Explanation::holders() const {
  const auto holds = [this](const Shelf& shelf) { return shelf.file(asked_.name()) != nullptr; };
  return nearest(catalogue_.holding(asked_.name()), holds);
}

// Then no bundle is waited for, and nobody looks into drop/.
bool Explanation::is_release_here() const { return here_ && !here_->path.is_root(); }

bool Explanation::names_unknown_release(const Path& directory) const {
  const auto version = version_in(directory.name());
  return version && !catalogue_.has(*version);
}

template <class Holds>
Catalogue::Shelves Explanation::nearest(Catalogue::Shelves shelves, Holds holds) const {
  std::erase_if(shelves, [&](const Shelf* shelf) { return !holds(*shelf); });
  return nearness_.nearest(std::move(shelves));
}

std::string Explanation::nothing_yet() const {
  if (!has_imports_) return "there are no images in this user's folder";
  if (incoming_.empty()) return "there are no images yet: put a bundle into drop/";
  return "there are no images yet: " + state_of(incoming_.front());
}

std::string Explanation::releases() const {
  if (catalogue_.shelves().empty()) return nothing_yet();
  Catalogue::Shelves shelves;
  for (const auto& shelf : catalogue_.shelves()) {
    if (!shelf.linked && shelf.named) shelves.push_back(&shelf);
  }
  if (shelves.empty()) return "no release is here";
  return "releases here: " + listed(nearness_.by_version(std::move(shelves)));
}

// In the directory that was asked for; else the part of the path that exists.
std::string Explanation::what_there_is() const {
  if (catalogue_.shelves().empty()) return nothing_yet();
  if (here_ && !here_->path.is_root() && !here_->files.empty())
    return fmt::format("{} has {}", here_->path.text(), offer(*here_));
  for (auto path = directory_; !path.is_root(); path = path.parent()) {
    const auto attributes = root_.attributes(path);
    if (attributes)
      return path.text() + (attributes->kind == Kind::directory ? " is there" : " is not a directory");
  }
  return releases();
}

}  // namespace storage
