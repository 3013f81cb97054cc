/**
 * What people who write Chinese take first for a password: numbers that sound like words, pinyin of what is said every
 * day, of names and places. The strength estimator has no such list of its own. Most usual first, in each group.
 */

const numbers = `5201314 1314520 woaini1314 520520 521521 5211314 1314521 7758521 7758258 147258369 201314 3344520 3344521 584520 5845201314
5845211314 1314159 168168 518518 918918 521125 987654321 112233 110110 119119 123321 1234554321 1qaz2wsx 5203344 5201413 1314921 7895123 1008611
10086 10010 8008208820 12345678910 qwe123 qwe123456 qwer1234 qaz123 qaz123456 asd123 asd123456 asdf1234 zxc123 zxc123456 zxcv1234 q123456 w123456
z123456 a5201314 q5201314 z5201314 abc5201314 asd5201314 qq5201314 520131400 52013140 aaa111 a1b2c3d4 woaini521`;

const said = `woaini aini wo ni woaini520 woaini5201314 aini1314 wobuaini woxiangni woxihuanni xihuanni xihuan woaiziji woaiwojia woailaopo
woailaogong laopowoaini laogongwoaini woaimama woaibaba woaizhongguo woaiwo wodeai qinaide baobei baobao baobeier baba mama babamama gege jiejie didi meimei
laopo laogong laoda laoban laoshi laozi xiansheng taitai nver erzi haizi pengyou tongxue tongshi dage xiaojie shushu ayi yeye nainai
woshishui woshini woshiren woshiwo nishishui nishizhu shabi caonima caoni nima nimei tamade gun shagua bendan zhutou
nihao nihaoma nimenhao dajiahao zaijian xiexie duibuqi meiguanxi huanying huanyingguanglin wanan zaoan
jiayou nuli fendou jianchi chenggong shengli zixin xingfu kuaile kaixin pingan jiankang wansui haoyun jixiang ruyi
facai gongxifacai xinnian xinniankuaile shengri shengrikuaile guonian hongbao zhufu yongyuan yongyuanaini yibeizi yishengyishi yishengyouni yiwannian
aiqing youqing qinqing mengxiang tianxia tiantian mingtian jintian zuotian meitian weilai ziyou shijie renmin renminbi wushi tianshi emo`;

const places = `zhongguo zhonghua zhongguoren beijing shanghai guangzhou shenzhen tianjin chongqing chengdu hangzhou wuhan nanjing xian suzhou
zhengzhou changsha shenyang qingdao dalian xiamen fuzhou jinan harbin haerbin kunming ningbo wuxi hefei nanchang nanning guiyang taiyuan lanzhou
haikou sanya wenzhou foshan dongguan zhuhai shijiazhuang changchun huhehaote wulumuqi lasa xining yinchuan xianggang aomen taiwan taibei
guangdong guangxi zhejiang jiangsu shandong shanxi henan hebei hunan hubei sichuan fujian anhui jiangxi yunnan guizhou hainan liaoning jilin
heilongjiang gansu qinghai ningxia xinjiang xizang neimenggu tiananmen changcheng changjiang huanghe taishan gugong xihu`;

const computing = `mima wodemima mimashi mimashimima mimawangle wangjimima wangle meiyoumima xinmima gaimima denglu zhuce yonghu yonghuming zhanghao zhanghu
guanliyuan guanli chaojiguanliyuan gongsi wodegongsi bangong bangongshi xiangmu ceshi ceshizhanghao linshi diannao shouji dianhua youxiang wangluo
weixin wechat weibo douyin taobao tianmao zhifubao alipay alibaba aliyun tengxun tencent baidu huawei xiaomi jingdong meituan pinduoduo didi
qqmima wangyi wangzhe wangzherongyao yingxionglianmeng chuanqi moshou bugaosuni bugaosuninimen caicaikan cainikan nicaibudao nicai suibian suibianba`;

const things = `xiaogou xiaomao gougou maomao tuzi xiaotuzi laohu xiongmao daxiang houzi xiaozhu zhuzhu laoshu niuniu feilong long longlong shenlong
meigui taohua lianhua mudan yinghua juhua hehua taiyang yueliang xingxing xingkong tiankong dahai haiyang baiyun lantian caihong xiayu xiaxue xuehua
pingguo xigua xiangjiao putao caomei juzi chengzi mianbao jiaozi baozi miantiao huoguo kafei niunai lvcha pijiu baijiu doufu tudou xihongshi
hongse lanse baise heise lvse zise jinse chuntian xiatian qiutian dongtian sunwukong zhubajie tangseng nezha guanyin amituofo pusa shangdi`;

/** By how many bear them. */
const surnames = `wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie song tang deng han feng cao peng
zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lv lu ding ren yao shen zhong cui tan fan wan shi liao jin jia xia fu fang zou xiong bai
meng qin qiu hou yin xue yan lei long tao shao duan hao gong mao chang gu lai kang qiao zhuang yi niu mo qi mei`;

const given = `wei fang na min jing li qiang lei yang yong jun jie juan tao yan chao ming xia ping gang hui bo hao peng fei xin yu ting
xiaoming xiaohong xiaogang xiaofang xiaoli xiaolong xiaohua xiaojun xiaowei xiaojing xiaomei xiaoyu xiaoxiao xiaoyan xiaolei xiaobo xiaobai
xiaohu xiaotian xiaoxin xiaoying xiaoqiang xiaoping xiaodong xiaohei weiwei fangfang nana minmin jingjing lili qiangqiang leilei jiajia tingting
yanyan lulu nannan dandan xinxin yuanyuan yingying feifei binbin yangyang mingming wenwen jianguo jianjun jianhua guoqiang guohua weiguo aiguo
zhiqiang zhigang zhiwei haiyan haitao xiuying xiulan guiying yulan meiling meili lihua zhihao haoran zihan zixuan yuxuan yichen yinuo xinyi
wenjie junjie jiahao mingxuan tianyu siyuan`;

const known = `zhangsan lisi wangwu zhaoliu mayun mahuateng leijun renzhengfei liudehua zhoujielun zhourunfa chenglong lixiaolong`;

const surnamesCombined = 40;

const wordsOf = (text: string): string[] => text.split(/\s+/);

export const chineseWords: readonly string[] = [
  ...new Set([numbers, said, known, given, surnames, computing, places, things].flatMap(wordsOf)),
];

/** Whole names, those of the most usual surnames first. */
export const chineseNames: readonly string[] = [
  ...new Set(
    wordsOf(surnames)
      .slice(0, surnamesCombined)
      .flatMap((surname) => wordsOf(given).map((name) => surname + name)),
  ),
];
