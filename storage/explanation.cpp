#include "storage/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/forgiving.hpp"
#include "storage/lookalike.hpp"
#include "storage/member_name.hpp"

namespace storage {
namespace {

constexpr auto nothing_yet = "there are no images yet: put a bundle into drop/";

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
  constexpr std::size_t most_named = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(shelf.files.size(), most_named); ++i) {
    text.append(i == 0 ? "" : ", ").append(shelf.files[i].name);
  }
  return shelf.files.size() > most_named ? text + ", ..." : text;
}

Miss pointing_at(Cause cause, std::string what, const Shelf& shelf, const std::string& file) {
  return {cause, std::move(what), fmt::format("{} is in {}", file, shelf.path.text()), shelf.path / file, {}};
}

// Whether they have the same parent.
bool beside(const Path& a, const Path& b) {
  const auto above = [](const Path& path) {
    return path.components().first(path.components().size() - (path.is_root() ? 0 : 1));
  };
  return std::ranges::equal(above(a), above(b));
}

}  // namespace

Explanation::Explanation(const Root& root, const Catalogue& catalogue, const Path& asked, bool forgiving)
    : root_(root),
      catalogue_(catalogue),
      asked_(asked),
      directory_(asked.parent()),
      version_asked_(version_in(directory_.name())),
      here_(shelf_asked(forgiving)),
      holder_(holder()) {}

Miss Explanation::miss() const {
  if (auto miss = wrong_case()) return *miss;
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
  if (holder_) return {};
  const auto similar = [this](const Shelf::File& file) { return look_alike(file.name, asked_.name()); };
  const auto* shelf = nearest(catalogue_.holding(asked_.name()), [&similar](const Shelf& each) {
    return std::ranges::any_of(each.files, similar);
  });
  if (!shelf) return {};
  return pointing_at(Cause::lookalike, fmt::format("there is no {}", asked_.name()), *shelf,
                     std::ranges::find_if(shelf->files, similar)->name);
}

std::optional<Miss> Explanation::lookalike_directory() const {
  const auto* shelf = nearest(catalogue_.like(directory_),
                              [&](const Shelf& each) { return each.file(asked_.name()) != nullptr; });
  if (!shelf) return {};
  return pointing_at(Cause::lookalike, fmt::format("there is no {}", directory_.text()), *shelf,
                     *shelf->file(asked_.name()));
}

std::optional<Miss> Explanation::not_unpacked() const {
  const auto archives = catalogue_.archives();
  const auto archive = std::ranges::find_if(archives, [this](const auto& each) { return may_be_in(each); });
  if (archive == archives.end()) return {};
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

// It holds the name, and is what was asked for: of that directory, of that release, or of any where no
// release has the file. What cannot be listed counts only for a release that is not here.
bool Explanation::may_be_in(const Archived& archive) const {
  if (!archive.holds(asked_.name())) return false;
  const bool same_release = version_asked_ && archive.version == version_asked_;
  if (archive.members.empty()) return same_release && !here_;
  return !holder_ || same_release || (!archive.rejected && archive.path.parent() == directory_);
}

std::optional<Miss> Explanation::family_missing() const {
  if (!here_ || !here_->has_images() || !is_image_family(asked_.name())) return {};
  const auto what = fmt::format("{} has no {}", here_->path.text(), asked_.name());
  if (holder_) return pointing_at(Cause::family_missing, what, *holder_, *holder_->file(asked_.name()));
  return Miss{Cause::family_missing, what, "it has " + images(*here_), {}, {}};
}

Miss Explanation::wrong_place() const {
  const auto missing = here_ || root_.attributes(directory_) ? asked_ : directory_;
  const auto what = missing.text() + " does not exist";
  const bool unknown = names_unknown_release(missing);
  const auto elsewhere = unknown ? Cause::no_such_release : Cause::wrong_directory;
  if (holder_) return pointing_at(elsewhere, what, *holder_, *holder_->file(asked_.name()));
  if (unknown) return {Cause::no_such_release, what, releases(), {}, {}};
  return {Cause::not_found, what, what_there_is(), {}, {}};
}

const Shelf* Explanation::shelf_asked(bool forgiving) const {
  if (const auto* found = catalogue_.shelf(directory_)) return found;
  return forgiving ? shelf_meant(catalogue_, {asked_}) : nullptr;
}

const Shelf* Explanation::holder() const {
  const auto holds = [this](const Shelf& shelf) { return shelf.file(asked_.name()) != nullptr; };
  return nearest(catalogue_.holding(asked_.name()), holds);
}

bool Explanation::names_unknown_release(const Path& directory) const {
  const auto version = version_in(directory.name());
  return version && !catalogue_.has(*version);
}

// The directory asked first, then the same release, the same product, and no link.
unsigned Explanation::rank(const Shelf& shelf) const {
  return (&shelf == here_ ? 8U : 0U) + (version_asked_ && shelf.named == version_asked_ ? 4U : 0U) +
         (beside(shelf.path, directory_) ? 2U : 0U) + (shelf.linked ? 0U : 1U);
}

// Of two that rank alike, the newer.
template <class Holds>
const Shelf* Explanation::nearest(const Catalogue::Shelves& shelves, Holds holds) const {
  const Shelf* best = nullptr;
  unsigned highest = 0;
  for (const auto* shelf : shelves) {
    const auto own = rank(*shelf);
    const bool nearer = !best || own > highest || (own == highest && shelf->named > best->named);
    if (!nearer || !holds(*shelf)) continue;
    best = shelf;
    highest = own;
  }
  return best;
}

std::string Explanation::releases() const {
  if (catalogue_.shelves().empty()) return nothing_yet;
  constexpr std::size_t most_named = 5;
  std::string text;
  std::size_t named = 0;
  for (const auto& shelf : catalogue_.shelves()) {
    if (shelf.linked || !shelf.named || ++named > most_named) continue;
    text.append(text.empty() ? "releases here: " : ", ").append(shelf.path.text());
  }
  if (text.empty()) return "no release is here";
  return named > most_named ? text + ", ..." : text;
}

// In the directory that was asked for; else the part of the path that exists.
std::string Explanation::what_there_is() const {
  if (catalogue_.shelves().empty()) return nothing_yet;
  if (here_ && !here_->path.is_root() && !here_->files.empty())
    return fmt::format("{} has {}", here_->path.text(), offer(*here_));
  for (auto path = directory_; !path.is_root(); path = path.parent()) {
    const auto attributes = root_.attributes(path);
    if (attributes)
      return path.text() + (attributes->kind == Kind::directory ? " is there" : " is no directory");
  }
  return releases();
}

}  // namespace storage
