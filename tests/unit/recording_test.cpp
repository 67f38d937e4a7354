// Recordings: what a response means for the file, and the files themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "daemon/sync/recording_file.hpp"
#include "daemon/sync/recording_path.hpp"
#include "daemon/sync/recording_permissions.hpp"
#include "daemon/sync/recording_response.hpp"

namespace glia {
namespace {

const std::string kStrong = "\"abc\"";
const std::string kModified = "Mon, 01 Jan 2024 00:00:00 GMT";

RecordingHead whole() {
    RecordingHead head;
    head.status = 200;
    head.content_type = "audio/mpeg";
    head.content_length = "100";
    head.etag = kStrong;
    return head;
}
/// The response with what follows the first 40 of 100 bytes.
RecordingHead rest() {
    RecordingHead head = whole();
    head.status = 206;
    head.content_length = "60";
    head.content_range = "bytes 40-99/100";
    return head;
}
const RecordingVersion kPartial{kStrong, 100, "audio/mpeg"};

RecordingAction action_of(const RecordingHead& head, std::uint64_t from = 40) {
    const RecordingDecision decision = decide_recording(head, from, kPartial);
    const bool bad =
        decision.action == RecordingAction::refuse || decision.action == RecordingAction::start_over;
    EXPECT_EQ(decision.error.empty(), !bad) << decision.error;
    return decision.action;
}
template <typename Change>
RecordingAction action_with(RecordingHead head, Change change) {
    change(head);
    return action_of(head);
}

TEST(RecordingResponse, WithAllOfItIsWrittenFromTheStart) {
    for (const std::uint64_t from : {0u, 40u}) {
        const RecordingDecision decision = decide_recording(whole(), from, kPartial);
        EXPECT_EQ(decision.action, RecordingAction::write_from_start);
        EXPECT_EQ(decision.version, kPartial);
    }
}
TEST(RecordingResponse, WithTheRestIsAppended) {
    EXPECT_EQ(action_of(rest()), RecordingAction::append);
    RecordingHead bare = rest();  // RFC 9110 §15.3.7: after If-Range, a server may omit other headers
    bare.content_type = bare.etag = bare.content_length = "";
    bare.content_range = "bytes 40-99/*";
    const RecordingDecision decision = decide_recording(bare, 40, kPartial);
    EXPECT_EQ(decision.action, RecordingAction::append);
    EXPECT_EQ(decision.version, kPartial);
}
TEST(RecordingResponse, ThatDoesNotFitWhatIsOnDiskMeansToStartOver) {
    for (const char* range :
         {"", "bytes 41-99/100", "bytes 39-99/100", "bytes 0-99/100", "bytes */100", "bytes 40-99/101",
          "bytes 40-100/100", "bytes 40-39/100", "items 40-99/100", "bytes 40-x/100"}) {
        EXPECT_EQ(action_with(rest(), [&](auto& head) { head.content_range = range; }),
                  RecordingAction::start_over)
            << range;
    }
    const auto with = [](auto change) { return action_with(rest(), change); };
    EXPECT_EQ(with([](auto& head) { head.etag = "\"other\""; }), RecordingAction::start_over);
    EXPECT_EQ(with([](auto& head) { head.content_length = "59"; }), RecordingAction::start_over);
    EXPECT_EQ(with([](auto& head) { head.content_type = "multipart/byteranges; boundary=x"; }),
              RecordingAction::start_over);
    EXPECT_EQ(with([](auto& head) { head.status = 416; }), RecordingAction::start_over);
}
TEST(RecordingResponse, ThatIsNoRecordingIsRefused) {
    const auto with = [](auto change) { return action_with(whole(), change); };
    for (const char* type : {"text/html", "TEXT/HTML; charset=utf-8", "text/plain", "application/json",
                             "application/xml", "application/problem+json", "image/png"}) {
        EXPECT_EQ(with([&](auto& head) { head.content_type = type; }), RecordingAction::refuse) << type;
    }
    EXPECT_EQ(with([](auto& head) { head.content_length = "0"; }), RecordingAction::refuse);
    EXPECT_EQ(with([](auto& head) { head.content_encoding = "gzip"; }), RecordingAction::refuse);
    for (const int status : {201, 204, 205, 304, 403, 404, 429, 500, 503})
        EXPECT_EQ(with([&](auto& head) { head.status = status; }), RecordingAction::refuse) << status;
    EXPECT_EQ(action_of(rest(), 0), RecordingAction::refuse)
        << "a part of the file without a Range in the request";
    RecordingHead head = whole();
    head.status = 416;
    EXPECT_EQ(action_of(head, 0), RecordingAction::refuse);
}
TEST(RecordingResponse, IsTakenForItsType) {
    for (const char* type : {"", "audio/mpeg", "Audio/X-Wav", "video/mp4", "application/octet-stream",
                             "binary/octet-stream", " application/ogg ; x=y"})
        EXPECT_TRUE(is_recording_type(type)) << type;
    EXPECT_EQ(recording_extension("Audio/MPEG; charset=x"), ".mp3");
    EXPECT_EQ(recording_extension("audio/x-wav"), ".wav");
    EXPECT_EQ(recording_extension(""), ".bin");
}
TEST(RecordingValidator, IsAStrongETagOrADateThatIsOldEnough) {
    RecordingHead head = whole();
    EXPECT_EQ(strong_validator(head), kStrong);
    head.last_modified = kModified;
    head.date = "Mon, 01 Jan 2024 00:00:01 GMT";
    EXPECT_EQ(strong_validator(head), kStrong);
    head.etag = "W/\"abc\"";
    EXPECT_EQ(strong_validator(head), "")
        << "RFC 9110 §13.1.5: no weak one, and no date where there is an ETag";
    head.etag = "abc";
    EXPECT_EQ(strong_validator(head), "");
    head.etag = "";
    EXPECT_EQ(strong_validator(head), kModified);
    head.date = kModified;
    EXPECT_EQ(strong_validator(head), "") << "it may still change within this second";
    head.date = "";
    EXPECT_EQ(strong_validator(head), "");
    head.date = "Mon, 01 Jan 2024 00:00:01 GMT";
    head.last_modified = "yesterday";
    EXPECT_EQ(strong_validator(head), "");
}
TEST(RecordingFault, IsALengthThatIsNotTheOneThatWasAnnounced) {
    EXPECT_EQ(recording_fault(100, kPartial, "ID3"), "");
    EXPECT_EQ(recording_fault(100, {}, "ID3"), "");
    EXPECT_NE(recording_fault(99, kPartial, "ID3"), "");
    EXPECT_NE(recording_fault(101, kPartial, "ID3"), "");
    EXPECT_NE(recording_fault(0, {}, ""), "");
}
TEST(RecordingFault, IsAPageOrAMessage) {
    for (const char* body :
         {"<html>", "\xef\xbb\xbf \r\n<!DOCTYPE html>", "<?xml version=\"1.0\"?><Error>", "<Error><Code>",
          "<!-- x --><html>", "{\"error\":1}", "{ \"error\":1}", "[{\"error\":1}]", "{}", "[]", "\n<HTML"})
        EXPECT_NE(recording_fault(100, {}, body), "") << body;
    for (const std::string& body : {std::string("ID3\x04"), std::string("RIFF....WAVE"), std::string("OggS"),
                                    std::string("\xff\xfb\x90"),
                                    std::string("\0\0\0\x18"
                                                "ftyp",
                                                8),
                                    std::string("{\x01"), std::string("<\x7f\x01"),
                                    std::string("\x1a\x45\xdf\xa3"), std::string("   ")})
        EXPECT_EQ(recording_fault(100, {}, body), "") << body;
}
TEST(RecordingVersions, AreReadOnlyWhole) {
    for (const RecordingVersion& version : {kPartial, RecordingVersion{kModified, std::nullopt, ""}}) {
        const std::string text = to_text(version);
        EXPECT_EQ(parse_recording_version(text), version);
        for (std::size_t length = 0; length < text.size(); ++length)
            EXPECT_FALSE(parse_recording_version(text.substr(0, length))) << length;
    }
    EXPECT_FALSE(parse_recording_version("x\nmany\n\nend\n"));
}

TEST(RecordingFolder, StaysBelowTheDirectoryWhateverTheId) {
    EXPECT_TRUE(recording_folder("eea868ad-9d58").ends_with("/eea868ad-9d58"));
    for (const std::string& id : std::vector<std::string>{"../../etc/passwd", "..", ".", "", "a/b", "a b",
                                                          std::string(500, 'x'), "\xff"}) {
        const std::string folder = recording_folder(id);
        EXPECT_EQ(std::count(folder.begin(), folder.end(), '/'), 1) << folder;
        EXPECT_EQ(folder.find(".."), std::string::npos) << folder;
        EXPECT_LT(folder.size(), 120u);
    }
    EXPECT_NE(recording_folder("a/b"), recording_folder("a b"));
}

class RecordingFiles : public ::testing::Test {
  protected:
    RecordingFiles() {
        std::string name = "/tmp/glia-recordings-XXXXXX";
        directory = mkdtemp(name.data());
    }
    ~RecordingFiles() override { std::filesystem::remove_all(directory); }
    std::string content(const std::string& path) const {
        std::ifstream in(directory + "/" + path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// Every file, relative to the directory.
    std::set<std::string> files() const {
        std::set<std::string> found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
            if (!entry.is_directory())
                found.insert(std::filesystem::relative(entry.path(), directory).string());
        return found;
    }
    static unsigned mode(const std::filesystem::path& path) {
        return static_cast<unsigned>(std::filesystem::status(path).permissions());
    }
    /// A download that is cut off.
    void begin(const std::string& validator, std::string_view bytes) const {
        RecordingDownload download(directory, "e1", "u");
        download.restart({validator, 6, "audio/wav"});
        download.append(bytes);
    }
    std::string directory;
};

TEST_F(RecordingFiles, GetTheirNameOnlyWhenTheyAreComplete) {
    RecordingDownload download(directory, "e1", "https://a/r");
    download.restart({kStrong, 3, "audio/mpeg; charset=x"});
    download.append("abc");
    EXPECT_FALSE(RecordingDownload::find(directory, "e1", "https://a/r"));
    const RecordingFile file = download.finish();
    EXPECT_TRUE(file.path.starts_with(recording_folder("e1") + "/")) << file.path;
    EXPECT_TRUE(file.path.ends_with(".mp3")) << file.path;
    EXPECT_EQ(content(file.path), "abc");
    EXPECT_EQ(file.size_bytes, 3);
    EXPECT_EQ(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const auto found = RecordingDownload::find(directory, "e1", "https://a/r");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->path, file.path);
    EXPECT_FALSE(RecordingDownload::find(directory, "e1", "https://a/other"));
    EXPECT_FALSE(RecordingDownload::find(directory, "e2", "https://a/r"));
}
TEST_F(RecordingFiles, LeaveNothingElseBehindThem) {
    RecordingDownload download(directory, "e1", "u");
    download.restart({kStrong, std::nullopt, ""});
    download.append("abc");
    EXPECT_EQ(files().size(), 2u) << "the partial file and the version it belongs to";
    const std::string path = download.finish().path;
    EXPECT_EQ(files(), std::set<std::string>{path});
}
TEST_F(RecordingFiles, GoOnWhereAnEarlierAttemptStopped) {
    begin(kStrong, "abc");
    RecordingDownload again(directory, "e1", "u");
    EXPECT_EQ(again.size(), 3u);
    EXPECT_EQ(again.version(), (RecordingVersion{kStrong, 6, "audio/wav"}));
    again.append("def");
    EXPECT_EQ(content(again.finish().path), "abcdef");
}
TEST_F(RecordingFiles, RestartWhereNothingShowsWhatTheyAreAPartOf) {
    begin("", "abc");
    EXPECT_EQ(RecordingDownload(directory, "e1", "u").size(), 0u) << "no validator";
    begin(kStrong, "abc");
    for (const std::string& path : files())
        if (path.ends_with(".version")) std::ofstream(directory + "/" + path) << kStrong << "\n6\n";  // torn
    RecordingDownload again(directory, "e1", "u");
    EXPECT_EQ(again.size(), 0u);
    EXPECT_FALSE(again.resumable());
    again.restart({});
    again.append("x");
    EXPECT_EQ(content(again.finish().path), "x");
}
TEST_F(RecordingFiles, CanRestart) {
    begin(kStrong, "abc");
    RecordingDownload again(directory, "e1", "u");
    again.restart({"\"other\"", std::nullopt, ""});
    EXPECT_EQ(again.size(), 0u);
    again.append("x");
    EXPECT_EQ(RecordingDownload(directory, "e1", "u").version().validator, "\"other\"");
    EXPECT_EQ(content(again.finish().path), "x");
}
TEST_F(RecordingFiles, CanBeDiscardedWithoutATrace) {
    begin(kStrong, "abc");
    RecordingDownload(directory, "e1", "u").discard();
    EXPECT_TRUE(files().empty());
    EXPECT_FALSE(std::filesystem::exists(directory + "/" + recording_folder("e1")));
}
TEST_F(RecordingFiles, AreForTheirOwnerAlone) {
    const std::string below = directory + "/a/b";
    RecordingDownload download(below + "/", "e1", "u");
    download.restart({kStrong, std::nullopt, ""});
    download.append("abc");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(below))
        EXPECT_EQ(mode(entry.path()), entry.is_directory() ? 0700u : 0600u) << entry.path();
    EXPECT_EQ(mode(below), 0700u);
    EXPECT_EQ(mode(below + "/" + download.finish().path), 0600u);
}
TEST_F(RecordingFiles, ThatOthersCouldReadAreClosedToThem) {
    for (const char* id : {"e1", "e2"}) {
        RecordingDownload download(directory, id, "u");
        download.restart({});
        download.append("abc");
        download.finish();
    }
    const auto all = [this](std::filesystem::perms folder, std::filesystem::perms file) {
        std::filesystem::permissions(directory, folder);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
            std::filesystem::permissions(entry.path(), entry.is_directory() ? folder : file);
    };
    all(std::filesystem::perms{0755}, std::filesystem::perms{0640});
    const RestrictedRecordings done = restrict_recordings(directory);
    EXPECT_EQ(done.changed, 7u);
    EXPECT_EQ(done.failed, "");
    EXPECT_EQ(mode(directory), 0700u);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
        EXPECT_EQ(mode(entry.path()), entry.is_directory() ? 0700u : 0600u) << entry.path();
    EXPECT_EQ(restrict_recordings(directory).changed, 0u);
}
TEST_F(RecordingFiles, DoNotCloseAFolderThatHoldsOtherThings) {
    begin(kStrong, "abc");
    std::ofstream(directory + "/notes.txt") << "x";
    std::filesystem::permissions(directory, std::filesystem::perms{0755});
    restrict_recordings(directory);
    EXPECT_EQ(mode(directory), 0755u);
    EXPECT_EQ(restrict_recordings(directory + "/absent").changed, 0u);
    // A user error: the setting names a file.
    std::filesystem::permissions(directory + "/notes.txt", std::filesystem::perms{0644});
    restrict_recordings(directory + "/notes.txt");
    EXPECT_EQ(mode(directory + "/notes.txt"), 0644u);
}
TEST_F(RecordingFiles, OfAnEarlierVersionThatAreNoRecordingsAreNotFound) {
    for (const char* body : {"", "<html><h1>Bad Gateway</h1></html>"}) {
        std::string path;
        {
            RecordingDownload download(directory, "e1", "u");
            download.restart({});
            download.append(body);
            path = download.finish().path;
        }
        EXPECT_FALSE(RecordingDownload::find(directory, "e1", "u")) << body;
        EXPECT_FALSE(std::filesystem::exists(directory + "/" + path)) << body;
    }
}
TEST_F(RecordingFiles, AreNotSearchedForInAFolderThatCannotBeRead) {
    begin(kStrong, "abc");
    const std::string folder = directory + "/" + recording_folder("e1");
    std::filesystem::remove_all(folder);
    EXPECT_FALSE(RecordingDownload::find(directory, "e1", "u"));
    std::ofstream(folder) << "a file";
    EXPECT_FALSE(RecordingDownload::find(directory, "e1", "u")) << "creating the folder reports the error";
    std::filesystem::remove(folder);
    std::filesystem::create_symlink(folder, folder);
    EXPECT_THROW(RecordingDownload::find(directory, "e1", "u"), DiskError);
}
TEST_F(RecordingFiles, SayWhatTheDiskDoesNotTake) {
    const std::string file = directory + "/file";
    std::ofstream(file) << "x";
    EXPECT_THROW(RecordingDownload(file, "e1", "u"), DiskError);
}

}  // namespace
}  // namespace glia
