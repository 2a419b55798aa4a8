#include "storage/import/import.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "storage/archives/archive.hpp"
#include "storage/archives/clutter.hpp"
#include "storage/archives/member_name.hpp"
#include "storage/archives/reader_apart.hpp"
#include "storage/archives/staged_members.hpp"
#include "storage/archives/tar_walk.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/import_note.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/file_text.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/files/whole_file.hpp"
#include "storage/images/foreign_archive.hpp"
#include "storage/images/image_check.hpp"
#include "storage/images/image_name.hpp"
#include "storage/images/layout.hpp"
#include "storage/images/release_name.hpp"
#include "storage/images/version.hpp"
#include "storage/import/digest_file.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/publish.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t longest_info =
    256;  // more than an .info file may have, so that release.cpp sees the excess

// The one place in this room that asks for the time: it is written down and decides nothing.
std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

// Archives are read more than once. That is no reason to tell anybody more than how far the whole thing is.
class Progress {
 public:
  Progress(const StagingArea& area, const std::string& bundle, const ImportOrder& order, std::uint64_t total)
      : note_(area, bundle), order_(order), total_(total) {}
  void operator()(std::uint64_t bytes) {
    done_ = std::min(done_ + bytes, total_);
    note_.goes_on(done_, total_);
    if (order_.progress) order_.progress(done_, total_);
  }

 private:
  ImportNote note_;
  const ImportOrder& order_;
  std::uint64_t done_ = 0, total_;
};

std::optional<std::string> read_info(const fs::path& content, const std::vector<Member>& members,
                                     const std::string& name) {
  if (std::ranges::find(members, name, &Member::name) == members.end()) return std::nullopt;
  return text_of(open_plain_file(content / path_of(name)), longest_info);
}

class Import {
 public:
  Import(const Depot& depot, const Bundle& bundle, const ImportSettings& settings, const ImportOrder& order)
      : depot_(depot),
        bundle_(bundle),
        settings_(settings),
        order_(order),
        reader_(order.reader != nullptr ? *order.reader : apart_),
        name_(utf8_of(bundle.path.filename())) {}

  Imported run() {
    if (is_clutter(name_))
      throw Rejected(fmt::format("{} is a file that an operating system keeps for itself, and no image",
                                 in_quotes(name_)));
    check_size();
    staging_.emplace(depot_);
    const bool copied = may_be_written_by_others(bundle_.file);
    progress_.emplace(*staging_, name_, order_, (copied ? 3U : 2U) * bundle_.file.at_open().size);
    if (copied) make_copy();
    const auto format = reader_.format_of(file(), settings_);
    if (auto advice = foreign_archive_advice(file(), format, name_); !advice.empty()) throw Rejected(advice);
    check_promise(name_, format);
    if (is_bundle_member_name(name_))
      throw Rejected(fmt::format(
          "{} is a member of a bundle, and does not tell of which: drop the ZIP itself, or copy its "
          "unpacked folder to a place below images/",
          in_quotes(name_)));
    check_digests();
    manifest_.bundle = name_;
    manifest_.imported_at = utc_now();
    const bool already_there = is_image(format) ? !take_image(format) : !take_bundle(format);
    imported_.already_there = already_there;
    imported_.members = manifest_.members.size();
    for (const auto& member : manifest_.members) imported_.bytes += member.size;
    imported_.verified = manifest_.verified;
    return std::move(imported_);
  }

 private:
  // Before a byte is read: a sparse file of any size costs its sender nothing, and whoever reads it hours.
  void check_size() const {
    const auto size = bundle_.file.at_open().size;
    if (size <= room_for_headers || size - room_for_headers <= settings_.max_total) return;
    throw Rejected(
        fmt::format("the file has {} bytes, and import.max_total allows {}: raise it in apdepot.yaml if the "
                    "vendor's file is that large",
                    size, settings_.max_total));
  }

  // What was digested and checked must be what is published, and no time of change tells of others' writes
  // for certain: may_be_written_by_others().
  void make_copy() {
    const auto place = staging_->bundle();
    check_space(place.parent_path(), bundle_.file.at_open().size);
    NewFile copy(place.parent_path(), utf8_of(place.filename()));
    read_whole(bundle_.file, [&](std::span<const std::byte> bytes) {
      copy.write(bytes);
      (*progress_)(bytes.size());
    });
    copy_.emplace(open_plain_file(place));
  }

  const File& file() const { return copy_ ? *copy_ : bundle_.file; }

  void check_digests() {
    auto known = bundle_.digests;
    if (!order_.sha512.empty()) known.push_back({name_, DigestKind::sha512, order_.sha512, "--sha512"});
    const auto hex = digests_of(file(), {DigestKind::sha512, DigestKind::md5}, std::ref(*progress_));
    for (const auto& digest : known) {
      const auto& own = digest.kind == DigestKind::sha512 ? hex[0] : hex[1];
      if (own != digest.hex)
        throw Rejected(fmt::format("its {} is {}, and {} says {}; download or copy it again",
                                   digest_name(digest.kind), own, in_quotes(digest.where), digest.hex));
    }
    confirmed_ = !known.empty();
    origin_ = {name_, hex[0], hex[1], true};
  }

  // A tar may be an image itself: what a Mobility Express access point is converted with, or any other.
  bool is_image(BundleFormat format) const {
    const auto* product = product_of(name_);
    if (!is_archive(format) || (product && product->is_packed)) return true;
    return format == BundleFormat::tar && (product || is_image_tar(walk_tar(file())));
  }

  // Whether check_image() has found a structure that tells whether the image is whole.
  static bool is_checkable(const Product* product, BundleFormat format) {
    const auto structure = product ? product->structure : Structure::unknown;
    return structure == Structure::header || (format == BundleFormat::tar && structure != Structure::opaque);
  }

  bool take_image(BundleFormat format) {
    const auto header = read_image_header(file());
    auto name = name_image(name_, header);
    const auto image = safe_component(name_);
    manifest_.path = image_folder(settings_.layout, name, image);
    manifest_.members = {copy_file(file(), staging_->content(), image, std::ref(*progress_))};
    judge(open_plain_file(staging_->content() / path_of(image)), name_);
    if (!is_checkable(product_of(name_, header), format)) doubt(uncheckable());
    finish(std::move(name.warnings));
    imported_.path = name.release.empty() ? manifest_.path + "/" + image : manifest_.path;
    imported_.image = image;
    return publish_image(depot_, staging_->content() / path_of(image), manifest_, replace(),
                         imported_.warnings);
  }

  bool take_bundle(BundleFormat format) {
    StagedMembers staged(staging_->content(), std::ref(*progress_));
    reader_.unpack(file(), format, settings_, staged);
    auto unpacked = staged.finish();
    manifest_.members = std::move(unpacked.members);
    if (!unpacked.left_out.empty()) imported_.warnings.push_back(left_out_text(unpacked.left_out));
    refuse_archives_inside(staging_->content());
    for (const auto& member : manifest_.members)
      judge(open_plain_file(staging_->content() / path_of(member.name)), member.name);
    const auto evidence = gather_evidence(staging_->content());
    auto name = name_release(evidence);
    if (name.product == other_product) doubt(uncheckable());
    manifest_.path = imported_.path = release_path(settings_.layout, name);
    const auto line = [](const std::optional<std::string>& info) {
      return info ? info_line(*info).value_or(std::string{}) : std::string{};
    };
    manifest_.controller_version = line(evidence.controller_version);
    manifest_.ap_version = line(evidence.ap_version);
    finish(std::move(name.warnings));
    return publish_bundle(depot_, staging_->content(), manifest_, replace(), imported_.warnings);
  }

  // A vendor's download is packed once more by some portals, and by some people.
  void refuse_archives_inside(const fs::path& content) const {
    if (std::ranges::any_of(manifest_.members, [](const Member& m) { return is_bundle_member_name(m.name); }))
      return;
    for (const auto& member : manifest_.members) {
      if (member.size == 0 || is_single_image_name(member.name)) continue;
      const auto file = open_plain_file(content / path_of(member.name));
      const auto format = reader_.format_of(file, settings_);
      const bool archive = is_archive(format) && format != BundleFormat::tar;
      const bool foreign = !foreign_archive_advice(file, format, member.name).empty();
      if (!archive && (!foreign || (format == BundleFormat::packed && manifest_.members.size() > 1)))
        continue;
      throw Rejected(fmt::format("it holds another archive, {}: unpack it, and import {} itself",
                                 in_quotes(member.name), in_quotes(member.name)));
    }
  }

  void judge(const File& image, const std::string& name) {
    auto check = check_image(image, name);
    if (!check.damage.empty()) throw Rejected(check.damage);
    for (auto& text : check.doubts) doubt(std::move(text));
    for (auto& text : check.remarks) imported_.warnings.push_back(std::move(text));
  }

  void doubt(std::string text) {
    origin_.verified = false;
    imported_.warnings.push_back(std::move(text));
  }

  std::string uncheckable() const {
    return fmt::format(
        "{} has nothing in it that could be checked; the vendor's download page shows its SHA-512",
        in_quotes(name_));
  }

  // It is read more than once, and what was digested must be what is published.
  void check_unchanged() const {
    std::error_code error;
    if (fs::symlink_status(bundle_.path, error).type() == fs::file_type::not_found)
      throw std::system_error(
          std::make_error_code(std::errc::resource_unavailable_try_again),
          utf8_of(bundle_.path) +
              " was taken away while it was imported, as a server does with what it imports "
              "from drop/");
    const auto now = bundle_.file.attributes();
    if (!now || now->version != bundle_.file.at_open().version)
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              utf8_of(bundle_.path) + " was changed while it was imported");
  }

  void finish(std::vector<std::string> warnings) {
    check_unchanged();
    imported_.warnings.insert(imported_.warnings.begin(), warnings.begin(), warnings.end());
    origin_.verified = origin_.verified || confirmed_;
    manifest_.origins = {origin_};
    manifest_.verified = origin_.verified;
  }

  ReleaseEvidence gather_evidence(const fs::path& content) const {
    ReleaseEvidence evidence{
        .bundle_name = name_,
        .controller_version = read_info(content, manifest_.members, "controller_version.info"),
        .ap_version = read_info(content, manifest_.members, "version.info"),
        .members = {}};
    for (const auto& member : manifest_.members) evidence.members.push_back(member.name);
    return evidence;
  }

  Replace replace() const { return order_.replace ? Replace::yes : Replace::no; }

  const Depot& depot_;
  const Bundle bundle_;
  const ImportSettings& settings_;
  const ImportOrder& order_;
  const ReaderApart apart_;
  const ArchiveReader& reader_;
  const std::string name_;
  std::optional<StagingArea> staging_;  // from before the first byte is read
  std::optional<File> copy_;            // of the file, where others may write to it; lies in `staging_`
  std::optional<Progress> progress_;
  Origin origin_;
  bool confirmed_ = false;  // by a digest from the vendor
  Manifest manifest_;
  Imported imported_;
};

}  // namespace

Imported import_bundle(const Depot& depot, const Bundle& bundle, const ImportSettings& settings,
                       const ImportOrder& order) {
  return Import(depot, bundle, settings, order).run();
}

Imported import_bundle(const Depot& depot, const fs::path& bundle, const ImportSettings& settings,
                       const ImportOrder& order) {
  const File file = open_plain_file(bundle);
  return import_bundle(depot, {bundle, file, digests_beside(bundle)}, settings, order);
}

ImportResult import_and_retire(const Depot& depot, const Bundle& bundle, const ImportSettings& settings,
                               std::size_t keep, const ImportOrder& order) {
  ImportResult done{import_bundle(depot, bundle, settings, order), {}, {}};
  done.retired = retire_oldest(depot, done.imported.path, keep, done.problems);
  return done;
}

}  // namespace storage
