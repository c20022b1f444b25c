from eval.campaign.campaign import Campaign, run_campaign, run_into
from eval.campaign.settings import CampaignSettings, small_settings
from eval.campaign.store import KeptInDirectory

__all__ = ["Campaign", "CampaignSettings", "KeptInDirectory", "run_campaign", "run_into", "small_settings"]
